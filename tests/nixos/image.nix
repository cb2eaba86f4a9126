# How a machine's image is made, as texts and values: what would be built is not.
{ tree, modules }:

let
  evaluated = import (tree + "/nixos/lib/eval-config.nix") {
    system = "x86_64-linux";
    inherit modules;
  };
  image = evaluated.config.system.build.images.mailnix;
  inherit (image.passthru) config;
in
{
  inherit (image) preVM buildCommand;
  inherit (image.passthru) filePath;
  inherit (evaluated.config.networking) hostName;
  devices = evaluated.pkgs.lib.mapAttrs (_: mount: mount.device) config.fileSystems;
  grub = { inherit (config.boot.loader.grub) devices efiSupport efiInstallAsRemovable; };
  boot = config.boot.loader.efi.efiSysMountPoint;
  # The machine's own, which a switch uses later.
  later = evaluated.config.boot.loader.grub.devices;
  grows = evaluated.config.systemd.services.growpart.script;
}
