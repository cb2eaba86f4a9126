# Made by mailnix: change the description of the topology, not this file; `mailnix emit` writes it again.
{ lib, ... }:

{
  # What every machine of mailnix shares.
  mailnix.base.enable = true;
  # Set to false where the disk is partitioned otherwise.
  mailnix.disk.enable = lib.mkDefault true;
  time.timeZone = "Etc/UTC";

  # The network card and the kernel.
  networking.hostName = "proxy";
  systemd.network.networks."20-uplink" = {
    matchConfig.Name = "en* eth*";
    address = [ "2001:db8:10::10/64" ];
    networkConfig = {
      DHCP = "ipv4";
      IPv6AcceptRA = true;
      LLMNR = false;
      MulticastDNS = false;
    };
  };
  boot.kernel.sysctl = {
    "net.ipv4.ip_forward" = 1;
    "net.ipv6.conf.all.forwarding" = 1;
    "net.ipv4.ip_nonlocal_bind" = 1;
  };

  # Credentials, in /etc/credstore: from a seed disk at first boot, or over SSH (mailnix secrets).
  mailnix.credentials = {
    enable = true;
    names = [
      "haraka.internalcmd"
      "network.wireguard.preshared.wg0"
      "network.wireguard.private.wg0"
      "network.wireguard.public.wg0"
    ];
  };

  # The tunnel. Keys are credentials (@name), which networkd reads from /etc/credstore.
  systemd.network.netdevs."50-wg0" = {
    netdevConfig = {
      Name = "wg0";
      Kind = "wireguard";
      MTUBytes = 1420;
    };
    wireguardConfig = {
      PrivateKey = "@network.wireguard.private.wg0";
      ListenPort = 51820;
    };
    wireguardPeers = [
      {
        PublicKey = "@network.wireguard.public.wg0";
        PresharedKey = "@network.wireguard.preshared.wg0";
        AllowedIPs = [
          "10.0.0.2/32"
          "fd6d:6169:6c6e::2/128"
        ];
      }
    ];
  };
  systemd.network.networks."50-wg0" = {
    matchConfig.Name = "wg0";
    address = [
      "10.0.0.1/32"
      "fd6d:6169:6c6e::1/128"
    ];
    networkConfig = {
      IPv6AcceptRA = false;
      LinkLocalAddressing = "no";
      ConfigureWithoutCarrier = true;
    };
    linkConfig.RequiredForOnline = false;
    routes = [
      {
        Destination = "10.0.0.2/32";
      }
      {
        Destination = "fd6d:6169:6c6e::2/128";
      }
    ];
  };

  # The firewall. This table is all of it: Docker and Mailcow keep theirs, so the ruleset is never flushed.
  networking.firewall.enable = false;
  networking.nftables = {
    enable = true;
    flushRuleset = false;
    tables.mailnix = {
      family = "inet";
      content = builtins.readFile ./firewall.nft;
    };
  };

  # SSH, with keys only.
  services.openssh = {
    enable = true;
    openFirewall = false;
    settings = {
      PasswordAuthentication = false;
      KbdInteractiveAuthentication = false;
      PermitRootLogin = "prohibit-password";
      X11Forwarding = false;
      MaxAuthTries = 3;
    };
  };
  users.users.root.openssh.authorizedKeys.keys = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs you@example.org"
  ];

  # Haraka: one instance takes mail from the internet, one sends Mailcow's to it.
  services.haraka.instances = {
    "in" = {
      directory = ./haraka-in;
      credentials.internalcmd_key = "haraka.internalcmd";
      tls = {
        certificate = "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.crt";
        key = "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.key";
      };
    };
    out = {
      directory = ./haraka-out;
      credentials.internalcmd_key = "haraka.internalcmd";
      tls = {
        certificate = "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.crt";
        key = "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.key";
      };
    };
  };
  systemd.services.haraka-in = {
    requires = [ "mailnix-credentials.service" ];
    after = [ "mailnix-credentials.service" ];
    environment.NODE_OPTIONS = "--max-old-space-size=128 --max-semi-space-size=2";
  };
  systemd.services.haraka-out = {
    requires = [ "mailnix-credentials.service" ];
    after = [ "mailnix-credentials.service" ];
    environment.NODE_OPTIONS = "--max-old-space-size=128 --max-semi-space-size=2";
  };

  # The web, and certificates for it and for haraka-in.
  services.caddy = {
    enable = true;
    configFile = ./Caddyfile;
  };

  # The release that this machine began with.
  system.stateVersion = "25.11";
}
