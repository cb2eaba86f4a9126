# Mailcow on a machine with an address that clients reach. Who makes its credentials: docs/howto/nixos.md of mailnix.
{
  services.mailcow = {
    enable = true;
    hostname = "mail.example.org";
    bindAddress = "192.0.2.1";
    configureDocker = true;
    settings = {
      # Where the certificate authority asks, and people look.
      HTTP_PORT = 80;
      HTTPS_PORT = 443;
      SKIP_CLAMD = true;
    };
    provision = {
      enable = true;
      domains."example.org" = {
        mailboxes.alice = { };
        aliases.postmaster = [ "alice@example.org" ];
      };
    };
    backup.enable = true;
  };

  # The machine's own: what nixos-generate-config wrote on it says more.
  nixpkgs.hostPlatform = "x86_64-linux";
  boot.loader.grub.device = "/dev/vda";
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };
  system.stateVersion = "26.05";
}
