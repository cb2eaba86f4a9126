# The variant of a machine that `system.build.images.mailnix` builds: one raw disk with a GPT that both kinds of
# firmware boot from.
{
  config,
  lib,
  modulesPath,
  pkgs,
  ...
}:

{
  imports = [
    "${modulesPath}/virtualisation/disk-size-option.nix"
    "${modulesPath}/image/file-options.nix"
  ];

  image.extension = "img";
  image.baseName = config.networking.hostName;

  # The disk of the machine that builds the image.
  boot.loader.grub.device = "/dev/vda";

  system.build.image = import "${modulesPath}/../lib/make-disk-image.nix" {
    inherit config lib pkgs;
    inherit (config.image) baseName;
    inherit (config.virtualisation) diskSize;
    format = "raw";
    partitionTableType = "hybrid";
    bootSize = "1G";
    # The machine is rebuilt from its flake; nixpkgs' tens of thousands of files would be there for nothing.
    copyChannel = false;
  };
}
