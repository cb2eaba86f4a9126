# Machines built of NixOS's own layer, with Debian's programs in the place of nixpkgs': what `mailnix.lab.nixos.build` asks for.
#   tree     nixpkgs, fitted by `mailnix.lab.nixos.tree`
#   flake    a folder as `mailnix emit` writes it, or null; its machines come out of its own outputs
#   modules  further machines: name → modules
#   unfetched  hashes of what would be fetched, and may be an empty folder
{
  tree,
  flake ? null,
  modules ? { },
  unfetched ? [ ],
}:

let
  lib = import (tree + "/lib");

  pkgs = import tree {
    system = "x86_64-linux";
    config = {
      allowUnfree = true;
      allowAliases = true;
      stubTree = tree;
      stubDerivation = import ./stub.nix { inherit lib tree unfetched; };
    };
    stdenvStages = import ./stages.nix;
    overlays = [ (import ./overlay.nix) ];
  };

  machine =
    modules:
    import (tree + "/nixos/lib/eval-config.nix") {
      inherit lib;
      system = null;
      modules = modules ++ [
        ./guest.nix
        { nixpkgs.pkgs = pkgs; }
      ];
    };

  # The flake's own way to its machines; only lib.nixosSystem is another.
  described =
    (import (flake + "/flake.nix")).outputs {
      nixpkgs.lib = lib // {
        nixosSystem = { modules }: machine modules;
      };
    };

  systems = lib.optionalAttrs (flake != null) described.nixosConfigurations // lib.mapAttrs (_: machine) modules;
in
{
  inherit pkgs systems;

  # One derivation that wants them all, and says where each is.
  toplevels = pkgs.writeText "machines.json" (
    builtins.toJSON (lib.mapAttrs (_: system: system.config.system.build.toplevel) systems)
  );
}
