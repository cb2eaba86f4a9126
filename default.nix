# Without flakes: `nix-build -A haraka`, or in a configuration `imports = [ (import /where/mailnix/is { }).nixosModules.mailcow ];`
{
  pkgs ? import <nixpkgs> { },
}:

{
  inherit (pkgs.extend (import ./overlay.nix)) haraka mailnix mailnix-lab;
  nixosModules = import ./modules;
  overlays.default = import ./overlay.nix;
}
