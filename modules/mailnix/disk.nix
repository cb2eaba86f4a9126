# mailnix.disk: a PC whose disk boots under BIOS and UEFI firmware, and the image of it,
# `config.system.build.images.mailnix`.
{
  config,
  lib,
  options,
  ...
}:

let
  inherit (lib)
    mkDefault
    mkEnableOption
    mkIf
    optionalAttrs
    ;

  cfg = config.mailnix.disk;
  hardware = lib.importTOML ../../mailnix/image/hardware.toml;
in
{
  options.mailnix.disk.enable = mkEnableOption "the hardware and disk layout of mailnix's images";

  config = mkIf cfg.enable {
    # The test driver decides it for its machines, and lets nobody else.
    nixpkgs = optionalAttrs (!(options.nixpkgs.hostPlatform.readOnly or false)) {
      hostPlatform = mkDefault "x86_64-linux";
    };

    fileSystems."/" = {
      device = mkDefault "/dev/disk/by-label/nixos";
      fsType = mkDefault "ext4";
      autoResize = mkDefault true;
    };
    fileSystems."/boot" = {
      device = mkDefault "/dev/disk/by-label/ESP";
      fsType = mkDefault "vfat";
      options = mkDefault [ "umask=0077" ];
    };

    boot.growPartition = mkDefault true;
    boot.loader.grub = {
      enable = mkDefault true;
      # The image's builder puts GRUB for BIOS on the disk (image.nix). A running machine's disk may have any name, and a
      # wrong one here would fail each switch to a newer GRUB.
      device = mkDefault "nodev";
      efiSupport = mkDefault true;
      # Firmware of rented machines forgets its variables.
      efiInstallAsRemovable = mkDefault true;
      # Every generation that can be started has its kernel in /boot.
      configurationLimit = mkDefault 5;
    };
    boot.loader.timeout = mkDefault 1;

    # The last one is systemd's, and where nobody has a screen; the kernel's log, which has what people must see, goes to
    # both.
    boot.kernelParams = [
      "console=tty0"
      "console=ttyS0,115200"
    ];
    # What a boot said stays on the screen above the login prompt.
    systemd.services."getty@".serviceConfig.TTYVTDisallocate = mkDefault "no";
    boot.initrd.availableKernelModules = lib.concatLists (lib.attrValues hardware.disks);

    image.modules.mailnix = ./image.nix;
  };
}
