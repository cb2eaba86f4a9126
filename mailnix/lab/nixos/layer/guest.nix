# What a machine of stubs cannot have: a kernel, a boot loader, compiled wrappers, a binary cache's tools.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:

let
  inherit (lib) mkForce;
in
{
  config = lib.mkMerge [
    (lib.optionalAttrs (options ? mailnix) {
      # The disk is the lab's, as with NixOS's own test driver.
      mailnix.disk.enable = false;
    })
    {
      boot.kernel.enable = mkForce false;
      boot.initrd.enable = mkForce false;
      boot.loader.grub.enable = mkForce false;
      boot.bootspec.enableValidation = false;
      fileSystems."/" = {
        device = "/dev/vda";
        fsType = "ext4";
      };
      documentation.enable = mkForce false;
      documentation.nixos.enable = mkForce false;
      system.disableInstallerTools = true;
      nix.enable = mkForce false;
      services.nscd.enable = mkForce false;
      system.nssModules = mkForce [ ];
      hardware.enableRedistributableFirmware = mkForce false;
      systemd.shutdownRamfs.enable = false;
      fonts.fontconfig.enable = mkForce false;
      xdg.mime.enable = false;
      xdg.icons.enable = false;
      xdg.autostart.enable = false;
      xdg.sounds.enable = false;
      systemd.coredump.enable = false;
      services.lvm.enable = false;
      boot.bcache.enable = false;
      # Folders that Debian's sshd and logrotate were compiled to want.
      systemd.tmpfiles.rules = [
        "d /run/sshd 0755 root root -"
        "d /var/lib/logrotate 0755 root root -"
      ];
      programs.command-not-found.enable = false;
      system.checks = [
        (pkgs.runCommand "paths-of-units" { } ''
          sh ${./paths.sh} ${config.environment.etc."systemd/system".source}
          touch $out
        '')
      ];
      # Debian's programs need Debian's loader, which NixOS would take away.
      environment.binsh = "/usr/bin/dash";
      environment.stub-ld.enable = false;
      environment.ldso = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
    }
  ];
}
