# Every option that our modules declare, as the NixOS manual's generator sees them.
{ tree, modules }:

let
  evaluated = import (tree + "/nixos/lib/eval-config.nix") {
    system = "x86_64-linux";
    inherit modules;
  };
  inherit (evaluated.pkgs) lib;
  text = value: value.text or (lib.generators.toPretty { } value);
in
map
  (option: {
    inherit (option) name type;
    description = option.description.text or (option.description or "");
    default = if option ? default then text option.default else null;
    example = if option ? example then text option.example else null;
  })
  (
    lib.filter
      (
        option:
        option.visible
        && !option.internal
        && lib.any (prefix: lib.hasPrefix prefix option.name) [
          "mailnix."
          "services.haraka."
          "services.mailcow."
        ]
      )
      (
        lib.optionAttrSetToDocList {
          inherit (evaluated.options) mailnix;
          services = { inherit (evaluated.options.services) haraka mailcow; };
        }
      )
  )
