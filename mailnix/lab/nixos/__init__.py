"""NixOS's layer of machines, built and booted with Debian's programs in the place of nixpkgs'.

Where no binary cache is reached, nobody can build nixpkgs' programs; but what makes a machine NixOS (etc, units, users,
activation, networkd, firewall, modules) is text and scripts. With every program replaced by a stub that points into a
Debian root, Nix really builds all of that, and the result boots on Debian's kernel.
"""
