# Made by mailnix: change the description of the topology, not this file; `mailnix emit` writes it again.
{ lib, ... }:

{
  # What every machine of mailnix shares.
  mailnix.base.enable = true;
  # Set to false where the disk is partitioned otherwise.
  mailnix.disk.enable = lib.mkDefault true;
  time.timeZone = lib.mkDefault "Etc/UTC";

  # The network card and the kernel.
  networking.hostName = lib.mkDefault "internal";
  systemd.network.networks."20-uplink" = {
    matchConfig.Name = lib.mkDefault "en* eth*";
    networkConfig = {
      DHCP = lib.mkDefault "ipv4";
      IPv6AcceptRA = lib.mkDefault true;
      LLMNR = lib.mkDefault false;
      MulticastDNS = lib.mkDefault false;
    };
    dhcpV4Config.UseMTU = lib.mkDefault true;
  };
  systemd.network.networks."90-others" = {
    matchConfig.Name = lib.mkDefault "en* eth*";
    linkConfig.RequiredForOnline = lib.mkDefault false;
    networkConfig = {
      DHCP = lib.mkDefault "ipv4";
      IPv6AcceptRA = lib.mkDefault false;
      LLMNR = lib.mkDefault false;
      MulticastDNS = lib.mkDefault false;
    };
    dhcpV4Config = {
      UseGateway = lib.mkDefault false;
      UseRoutes = lib.mkDefault false;
      UseDNS = lib.mkDefault false;
      UseNTP = lib.mkDefault false;
      UseHostname = lib.mkDefault false;
    };
  };
  boot.kernel.sysctl = {
    "fs.protected_fifos" = lib.mkDefault 1;
    "fs.protected_regular" = lib.mkDefault 1;
    "net.ipv4.ip_forward" = lib.mkDefault 1;
    "net.ipv6.conf.all.forwarding" = lib.mkDefault 1;
    "net.ipv4.ip_nonlocal_bind" = lib.mkDefault 1;
    "net.ipv6.ip_nonlocal_bind" = lib.mkDefault 1;
  };

  # Credentials, in /etc/credstore: from a seed disk at first boot, or over SSH (mailnix secrets).
  mailnix.credentials = {
    enable = true;
    names = [
      "mailcow.admin-password"
      "mailcow.api-key"
      "mailcow.dbpass"
      "mailcow.dbroot"
      "mailcow.dkim"
      "mailcow.mailboxes"
      "mailcow.redispass"
      "mailcow.sogo-key"
      "network.wireguard.preshared.wg-proxy"
      "network.wireguard.private.wg-proxy"
      "network.wireguard.public.wg-proxy"
    ];
  };

  # The tunnel. Keys are credentials (@name), which networkd reads from /etc/credstore.
  systemd.network.netdevs."50-wg-proxy" = {
    netdevConfig = {
      Name = "wg-proxy";
      Kind = "wireguard";
      MTUBytes = 1420;
    };
    wireguardConfig.PrivateKey = "@network.wireguard.private.wg-proxy";
    wireguardPeers = [
      {
        PublicKey = "@network.wireguard.public.wg-proxy";
        PresharedKey = "@network.wireguard.preshared.wg-proxy";
        AllowedIPs = [
          "0.0.0.0/0"
          "::/0"
        ];
        Endpoint = "203.0.113.10:51820";
        PersistentKeepalive = 25;
      }
    ];
  };
  systemd.network.networks."50-wg-proxy" = {
    matchConfig.Name = "wg-proxy";
    address = [
      "10.83.119.2/32"
      "fd6d:6169:6c6e::2/128"
    ];
    networkConfig = {
      IPv6AcceptRA = false;
      LinkLocalAddressing = "no";
      ConfigureWithoutCarrier = true;
      IPv4ReversePathFilter = "loose";
    };
    linkConfig.RequiredForOnline = false;
    routes = [
      {
        Destination = "10.83.119.1/32";
      }
      {
        Destination = "fd6d:6169:6c6e::1/128";
      }
      {
        Destination = "0.0.0.0/0";
        Table = 27901;
      }
      {
        Destination = "::/0";
        Table = 27901;
      }
    ];
    routingPolicyRules = [
      {
        FirewallMark = 27905;
        Table = 27901;
        Priority = 100;
        Family = "both";
      }
    ];
  };
  mailnix.tunnel = {
    enable = true;
    interfaces = [ "wg-proxy" ];
    surroundings = ./surroundings.json;
    dials = ./tunnels;
  };

  # The firewall. This table is all of it, with what networking.firewall opens; Docker and Mailcow keep theirs.
  mailnix.firewall.enable = true;
  networking.nftables.tables.mailnix = {
    family = "inet";
    content = builtins.readFile ./firewall.nft;
  };

  # SSH, with keys only.
  services.openssh = {
    enable = true;
    openFirewall = lib.mkDefault false;
    hostKeys = lib.mkDefault [
      {
        type = "ed25519";
        path = "/etc/ssh/ssh_host_ed25519_key";
      }
    ];
    settings = {
      PasswordAuthentication = lib.mkDefault false;
      KbdInteractiveAuthentication = lib.mkDefault false;
      PermitRootLogin = lib.mkDefault "prohibit-password";
      X11Forwarding = lib.mkDefault false;
      RequiredRSASize = lib.mkDefault 2048;
    };
  };
  users.users.root.openssh.authorizedKeys.keys = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs you@example.org"
  ];

  # Docker. Its userland proxy stays off: it would hide every client behind the bridge's own address.
  virtualisation.docker = {
    enable = true;
    logDriver = lib.mkDefault "journald";
    daemon.settings = {
      userland-proxy = lib.mkDefault false;
      ip6tables = lib.mkDefault true;
      experimental = lib.mkDefault true;
      live-restore = lib.mkDefault false;
    };
  };

  # Mailcow.
  services.mailcow = {
    enable = true;
    hostname = "mail.example.org";
    bindAddress = "10.83.119.2";
    settings = {
      HTTPS_BIND = lib.mkDefault "127.0.0.1";
      SKIP_LETS_ENCRYPT = lib.mkDefault false;
      SKIP_IP_CHECK = lib.mkDefault true;
      SKIP_HTTP_VERIFICATION = lib.mkDefault true;
      ONLY_MAILCOW_HOSTNAME = lib.mkDefault true;
      AUTODISCOVER_SAN = lib.mkDefault false;
      ADDITIONAL_SAN = lib.mkDefault "";
      ENABLE_SSL_SNI = lib.mkDefault false;
      ACME_DNS_CHALLENGE = lib.mkDefault false;
      ACME_ACCOUNT_EMAIL = lib.mkDefault "postmaster@example.org";
      SKIP_CLAMD = lib.mkDefault true;
      SKIP_OLEFY = lib.mkDefault true;
      SKIP_FTS = lib.mkDefault false;
      FTS_HEAP = lib.mkDefault 128;
      FTS_PROCS = lib.mkDefault 1;
      SKIP_SOGO = lib.mkDefault false;
      SKIP_UNBOUND_HEALTHCHECK = lib.mkDefault false;
      WATCHDOG_NOTIFY_BAN = lib.mkDefault false;
      WATCHDOG_NOTIFY_START = lib.mkDefault false;
      WATCHDOG_EXTERNAL_CHECKS = lib.mkDefault false;
      ALLOW_ADMIN_EMAIL_LOGIN = lib.mkDefault false;
      IPV4_NETWORK = lib.mkDefault "172.22.1";
      IPV6_NETWORK = lib.mkDefault "fd4d:6169:6c63:6f77::/64";
      ENABLE_IPV6 = lib.mkDefault "true";
      DISABLE_NETFILTER_ISOLATION_RULE = lib.mkDefault false;
      TRUSTED_PROXIES = lib.mkDefault "10.83.119.1,127.0.0.1";
      API_ALLOW_FROM = lib.mkDefault "172.22.1.1,127.0.0.1";
    };
    postfix.extraConfig = builtins.readFile ./mailcow/extra.cf;
    hooks.postfix."mailnix-xclient.sh" = builtins.readFile ./mailcow/mailnix-xclient.sh;
    files = {
      "data/conf/postfix/custom_postscreen_whitelist.cidr" =
        builtins.readFile ./mailcow/custom_postscreen_whitelist.cidr;
      "data/conf/rspamd/plugins.d/mailnix_spam_flag.lua" =
        builtins.readFile ./mailcow/rspamd/plugins.d/mailnix_spam_flag.lua;
      "data/conf/rspamd/rspamd.conf.local" = builtins.readFile ./mailcow/rspamd/rspamd.conf.local;
    };
    provision = {
      enable = true;
      description = ./mailcow/provision.json;
    };
    bans = {
      proxies = [ "10.83.119.1" ];
      port = 2527;
    };
    composeOverride.services = {
      postfix-mailcow.ports = [
        "[fd6d:6169:6c6e::2]:465:465"
        "[fd6d:6169:6c6e::2]:587:587"
      ];
      dovecot-mailcow.ports = [ "[fd6d:6169:6c6e::2]:993:993" ];
    };
  };
  systemd.services.mailcow = {
    requires = [ "mailnix-credentials.service" ];
    after = [ "mailnix-credentials.service" ];
  };
  systemd.services.mailcow-provision = {
    requires = [ "mailnix-credentials.service" ];
    after = [ "mailnix-credentials.service" ];
    serviceConfig = {
      IPAddressDeny = "any";
      IPAddressAllow = [
        "10.83.119.2"
        "172.22.1.0/24"
      ];
    };
  };
  systemd.services.mailcow-bans = {
    requires = [ "mailnix-credentials.service" ];
    after = [ "mailnix-credentials.service" ];
    serviceConfig = {
      IPAddressDeny = "any";
      IPAddressAllow = [
        "10.83.119.2"
        "172.22.1.0/24"
        "10.83.119.1"
      ];
    };
  };

  # The release that this machine began with.
  system.stateVersion = lib.mkDefault "25.11";
}
