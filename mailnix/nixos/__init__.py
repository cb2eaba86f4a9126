"""NixOS: Nix values and their printer, host modules, the flake that a user commits."""
