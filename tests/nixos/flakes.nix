# Outputs of the project's flake and of an emitted one, called as `nix flake` calls them, but with a nixpkgs tree that
# is not copied to the store first. Gives derivation paths; nothing is built.
{
  tree,
  repository,
  emitted,
}:

let
  lib = import (tree + "/lib") // {
    nixosSystem =
      args:
      import (tree + "/nixos/lib/eval-config.nix") (
        {
          system = null;
          inherit lib;
        }
        // args
      );
  };
  nixpkgs = {
    inherit lib;
    outPath = tree;
    legacyPackages = lib.genAttrs [
      "aarch64-linux"
      "x86_64-linux"
    ] (system: import tree { inherit system; });
  };

  project = (import (repository + "/flake.nix")).outputs {
    self = project // {
      outPath = repository;
    };
    inherit nixpkgs;
  };
  users = (import (emitted + "/flake.nix")).outputs { inherit nixpkgs; };
  template =
    ((import (project.templates.default.path + "/flake.nix")).outputs {
      mailnix = project;
      inherit nixpkgs;
    }).nixosConfigurations.mail;
  drvs = lib.mapAttrs (_: d: d.drvPath);
in
{
  checks = drvs project.checks.x86_64-linux;
  packages = lib.mapAttrs (_: drvs) project.packages;
  shells = drvs (lib.mapAttrs (_: shells: shells.default) project.devShells);
  formatter = drvs project.formatter;
  app = project.apps.x86_64-linux.default.program;
  modules = lib.attrNames project.nixosModules;
  withoutFlakes = drvs {
    inherit
      (import repository { pkgs = nixpkgs.legacyPackages.x86_64-linux; })
      haraka
      mailnix
      mailnix-lab
      ;
  };
  overlay = (nixpkgs.legacyPackages.x86_64-linux.extend project.overlays.default).haraka.drvPath;
  template = template.config.system.build.toplevel.drvPath;
  maintainers = lib.mapAttrs (_: p: p.meta.maintainers) project.packages.x86_64-linux;
  checked = project.packages.x86_64-linux.haraka.tests.module.drvPath;
  configurations = lib.attrNames project.nixosConfigurations;

  images = drvs users.packages.x86_64-linux;
  hive = lib.mapAttrs (_: node: node.deployment or { }) users.colmena;
  sshKeys = lib.mapAttrs (
    _: machine: machine.config.users.users.root.openssh.authorizedKeys.keys
  ) users.nixosConfigurations;
}
