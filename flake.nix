{
  description = "Private email that anyone can host: a public proxy and a machine at home";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;

      systems = [
        "aarch64-linux"
        "x86_64-linux"
      ];
      forEach = f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});

      # The same format by a program that needs no Haskell to build, where nixpkgs has it.
      nixfmt = pkgs: pkgs.nixfmt-rs or pkgs.nixfmt;

      # The machines of docs/examples/two_machines.py, as `mailnix emit` writes them.
      hosts = lib.attrNames (lib.filterAttrs (_: type: type == "directory") (builtins.readDir ./hosts));
    in
    {
      nixosModules = import ./modules;

      overlays.default = import ./overlay.nix;

      templates.default = {
        path = ./template;
        description = "A machine with Mailcow, by mailnix's modules";
        welcomeText = "Say in flake.nix where mailnix is, and in configuration.nix what your machine is.";
      };

      packages = forEach (
        pkgs:
        let
          ours = import ./. { inherit pkgs; };
        in
        {
          default = ours.mailnix;
          inherit (ours) haraka mailnix mailnix-lab;
        }
      );

      apps = forEach (pkgs: {
        default = {
          type = "app";
          program = lib.getExe self.packages.${pkgs.stdenv.hostPlatform.system}.mailnix;
          meta.description = "Describe a private mail system, and make machines of it";
        };
      });

      nixosConfigurations = lib.genAttrs hosts (
        name:
        lib.nixosSystem {
          modules = [
            self.nixosModules.default
            (./hosts + "/${name}")
          ];
        }
      );

      # One check for every file of vm-tests/nixos. mail-exchange wants Dovecot 2.4, which nixpkgs has since 26.05.
      checks = forEach (
        pkgs:
        let
          files = lib.filterAttrs (
            file: type:
            type == "regular"
            && lib.hasSuffix ".nix" file
            && (file == "mail-exchange.nix" -> pkgs ? dovecot_2_4)
          ) (builtins.readDir ./vm-tests/nixos);
        in
        lib.mapAttrs' (
          file: _:
          lib.nameValuePair (lib.removeSuffix ".nix" file) (
            pkgs.testers.runNixOSTest {
              imports = [ (./vm-tests/nixos + "/${file}") ];
              defaults.imports = [ self.nixosModules.default ];
            }
          )
        ) files
      );

      devShells = forEach (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.stdenv.hostPlatform.system}.mailnix-lab ];
          packages = [
            pkgs.caddy
            pkgs.nftables
            (nixfmt pkgs)
            pkgs.nodejs_24
            pkgs.python3Packages.hypothesis
            pkgs.python3Packages.mypy
            pkgs.ruff
          ];
        };
      });

      formatter = forEach (
        pkgs:
        pkgs.treefmt.withConfig {
          name = "mailnix-fmt";
          runtimeInputs = [ (nixfmt pkgs) ];
          settings.formatter.nixfmt = {
            command = lib.getExe (nixfmt pkgs);
            includes = [ "*.nix" ];
          };
        }
      );
    };
}
