"""`mailnix emit --backend nixos`: the flake that a user commits, with a folder for each machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from attrs import evolve

from mailnix.formats.nix import Attrs, Entry, Raw, option
from mailnix.formats.nix_printer import name, render, string
from mailnix.nixos import host as hosts
from mailnix.nixos.carried import COPY, Copy, Modules, Reference
from mailnix.plan import HostPlan, Plan, ProxyPlan
from mailnix.tree import Entry as TreeEntry
from mailnix.tree import File, Tree

HOSTS: Final = "hosts"
LOCAL: Final = "local"
"""The folder of what the flake's owner adds; emission never writes there."""
FLAKE: Final = "/flake.nix"


def emit(plan: Plan, modules: Modules, folders: Sequence[str] = ()) -> Tree:
    """The flake's files below `/`, a copy of mailnix's modules among them where it carries one.

    `folders` are further ones in which NAME.nix is a module of machine NAME, as the lab has one.
    """
    entries: list[TreeEntry] = [
        File(FLAKE, flake(plan, modules, folders)),
        File("/README.md", readme(plan, modules)),
        *machines(plan),
        *(modules.files if isinstance(modules, Copy) else ()),
    ]
    return Tree.of(entries)


def machines(plan: Plan) -> tuple[File, ...]:
    """`/hosts/<name>/…` of every machine."""
    return tuple(
        evolve(file, path=f"/{HOSTS}/{host.name}{file.path}") for host in plan.hosts for file in hosts.files(plan, host)
    )


def flake(plan: Plan, modules: Modules, folders: Sequence[str] = ()) -> str:
    """The text of `flake.nix`: data, but for the three lines that turn machines into systems and images."""
    return render(
        Attrs(
            (
                option("description", f"Private mail of {plan.topology.hostname}"),
                Entry(("inputs",), Attrs(_inputs(modules)), gap=True),
                Entry(("outputs",), Raw(_outputs(plan, modules, (LOCAL, *folders))), gap=True),
            )
        )
    )


def _inputs(modules: Modules) -> tuple[Entry, ...]:
    match modules:
        case Reference(url):
            return (
                option("mailnix.url", url, "Where the modules come from; its lock file pins nixpkgs too."),
                option("nixpkgs.follows", "mailnix/nixpkgs"),
            )
        case Copy(nixpkgs=nixpkgs):
            return (option("nixpkgs", nixpkgs, "The nixpkgs of the mailnix that wrote this."),)
        case _:
            assert_never(modules)


_OUTPUTS: Final = """
  @arguments@
  let
    inherit (nixpkgs) lib;

    # What mailnix writes, and then what you add in ./@local@, which it never touches.
    modules =
      name:
      [
        @modules@
        (./hosts + "/${name}")
      ]
      @added@;

    machines = lib.genAttrs @names@ modules;
    nixosConfigurations = lib.mapAttrs (_: modules: lib.nixosSystem { inherit modules; }) machines;
  in
  {
    inherit nixosConfigurations;

    # Disk images: nix build .#NAME
    packages.x86_64-linux = lib.mapAttrs (_: machine: machine.config.system.build.images.mailnix) (
      lib.filterAttrs (_: machine: machine.config.mailnix.disk.enable) nixosConfigurations
    );

    # Running machines: colmena apply
    colmena = {
      meta.nixpkgs = import nixpkgs { system = "x86_64-linux"; };
@nodes@
    };
  }"""


_ADDED: Final = '++ lib.optional (builtins.pathExists (./@ + "/${name}.nix")) (./@ + "/${name}.nix")'
_NO_INPUT: Final = "{ nixpkgs, ... }:"
_INPUT: Final = """{
    mailnix,
    nixpkgs,
    ...
  }:"""


def _outputs(plan: Plan, modules: Modules, folders: Sequence[str]) -> str:
    """`outputs`, a function; only names and addresses in it come from the plan, quoted by the printer."""
    carried = isinstance(modules, Copy)
    names = "".join(f"\n      {string(host.name)}" for host in plan.hosts)
    nodes = "\n".join(_node(host) for host in plan.hosts)
    return (
        _OUTPUTS.replace("@arguments@", _NO_INPUT if carried else _INPUT)
        .replace("@modules@", f"(import .{COPY}/modules).default" if carried else "mailnix.nixosModules.default")
        .replace("@added@", "\n      ".join(_ADDED.replace("@", folder) for folder in folders))
        .replace("@local@", LOCAL)
        .replace("@names@", f"[{names}\n    ]")
        .replace("@nodes@", nodes)
    )


def _node(host: HostPlan) -> str:
    where = string(str(host.ipv4)) if isinstance(host, ProxyPlan) else string(host.name)
    label = name(host.name)
    return f"""
      {label} = {{
        imports = machines.{label};
        deployment.targetHost = {where};
      }};"""


def readme(plan: Plan, modules: Modules) -> str:
    """How to use the flake, with this topology's names in the commands."""
    first = plan.proxies[0]
    return _README.format(
        hostname=plan.topology.hostname,
        local=LOCAL,
        machines=", ".join(f"`{host.name}`" for host in plan.hosts),
        proxy=first.name,
        address=first.ipv4,
        modules=_CARRIED if isinstance(modules, Copy) else f"mailnix's NixOS modules come from {modules.url}.",
    )


_CARRIED: Final = (
    "mailnix's NixOS modules are in `mailnix/`, copied: nothing here depends on where mailnix is installed."
)
_README: Final = """\
# Private mail of {hostname}

Written by `mailnix emit`, which writes it again when the topology changes: {machines}.
What you add goes into `{local}/NAME.nix`, a NixOS module that `mailnix` never touches.
{modules}

No secret is in here, and none may be: `mailnix secrets init`, then `mailnix secrets seed CONFIG HOST` (a disk
for the first boot) or `mailnix secrets push CONFIG HOST` (over SSH).

- Disk images, for BIOS and UEFI: `nix build .#{proxy}`
- Running machines: `colmena apply`, or `nixos-rebuild switch --flake .#{proxy} --target-host root@{address}`
"""
