# Made by mailnix: change the description of the topology, not this file; `mailnix emit` writes it again.
{ lib, ... }:

{
  # What every machine of mailnix shares.
  mailnix.base.enable = true;
  # Set to false where the disk is partitioned otherwise.
  mailnix.disk.enable = lib.mkDefault true;
  time.timeZone = "Etc/UTC";

  # The network card and the kernel.
  networking.hostName = "internal";
  systemd.network.networks."20-uplink" = {
    matchConfig.Name = "en* eth*";
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
    "net.ipv6.ip_nonlocal_bind" = 1;
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
      "10.0.0.2/32"
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
        Destination = "10.0.0.1/32";
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

  # Docker. Its userland proxy stays off: it would hide every client behind the bridge's own address.
  virtualisation.docker = {
    enable = true;
    logDriver = "journald";
    daemon.settings = {
      userland-proxy = false;
      ip6tables = true;
      experimental = true;
      live-restore = false;
    };
  };

  # Mailcow.
  services.mailcow = {
    enable = true;
    hostname = "mail.example.org";
    bindAddress = "10.0.0.2";
    settings = {
      HTTPS_BIND = "127.0.0.1";
      SKIP_LETS_ENCRYPT = false;
      SKIP_IP_CHECK = true;
      SKIP_HTTP_VERIFICATION = true;
      ONLY_MAILCOW_HOSTNAME = true;
      AUTODISCOVER_SAN = false;
      ADDITIONAL_SAN = "";
      ENABLE_SSL_SNI = false;
      ACME_DNS_CHALLENGE = false;
      ACME_ACCOUNT_EMAIL = "postmaster@example.org";
      SKIP_CLAMD = true;
      SKIP_OLEFY = true;
      SKIP_FTS = false;
      FTS_HEAP = 128;
      FTS_PROCS = 1;
      SKIP_SOGO = false;
      SKIP_UNBOUND_HEALTHCHECK = false;
      WATCHDOG_NOTIFY_BAN = false;
      WATCHDOG_NOTIFY_START = false;
      WATCHDOG_EXTERNAL_CHECKS = false;
      ALLOW_ADMIN_EMAIL_LOGIN = false;
      IPV4_NETWORK = "172.22.1";
      IPV6_NETWORK = "fd4d:6169:6c63:6f77::/64";
      ENABLE_IPV6 = "true";
      DISABLE_NETFILTER_ISOLATION_RULE = false;
      TRUSTED_PROXIES = "10.0.0.1";
      API_ALLOW_FROM = "172.22.1.1,127.0.0.1";
    };
    postfix.extraConfig = builtins.readFile ./mailcow/extra.cf;
    hooks.postfix."mailnix-xclient.sh" = builtins.readFile ./mailcow/mailnix-xclient.sh;
    files."data/conf/postfix/custom_postscreen_whitelist.cidr" =
      builtins.readFile ./mailcow/custom_postscreen_whitelist.cidr;
    provision = {
      enable = true;
      description = ./mailcow/provision.json;
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
  };

  # The release that this machine began with.
  system.stateVersion = "25.11";
}
