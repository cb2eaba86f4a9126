# Made by mailnix: change the description of the topology, not this file; `mailnix emit` writes it again.
{ lib, ... }:

{
  # What every machine of mailnix shares.
  mailnix.base.enable = true;
  # Set to false where the disk is partitioned otherwise.
  mailnix.disk.enable = lib.mkDefault true;
  time.timeZone = lib.mkDefault "Etc/UTC";

  # The network card and the kernel.
  networking.hostName = lib.mkDefault "proxy";
  systemd.network.networks."20-uplink" = {
    matchConfig.Name = lib.mkDefault "en* eth*";
    address = lib.mkDefault [ "2001:db8:10::10/64" ];
    networkConfig = {
      DHCP = lib.mkDefault "ipv4";
      IPv6AcceptRA = lib.mkDefault true;
      LLMNR = lib.mkDefault false;
      MulticastDNS = lib.mkDefault false;
      IPv6PrivacyExtensions = lib.mkDefault false;
    };
    dhcpV4Config.UseMTU = lib.mkDefault true;
    ipv6AcceptRAConfig = {
      UseAutonomousPrefix = lib.mkDefault false;
      DHCPv6Client = lib.mkDefault false;
    };
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
          "10.83.119.2/32"
          "fd6d:6169:6c6e::2/128"
        ];
      }
    ];
  };
  systemd.network.networks."50-wg0" = {
    matchConfig.Name = "wg0";
    address = [
      "10.83.119.1/32"
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
        Destination = "10.83.119.2/32";
      }
      {
        Destination = "fd6d:6169:6c6e::2/128";
      }
    ];
  };
  mailnix.tunnel = {
    enable = true;
    interfaces = [ "wg0" ];
    surroundings = ./surroundings.json;
  };

  # The firewall. This table is all of it, with what networking.firewall opens; Docker and Mailcow keep theirs.
  mailnix.firewall = {
    enable = true;
    bans = {
      listen = "10.83.119.1:2527";
      interface = "wg0";
    };
  };
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
      AllowAgentForwarding = lib.mkDefault false;
      AllowStreamLocalForwarding = lib.mkDefault false;
      AllowTcpForwarding = lib.mkDefault "local";
      PermitOpen = lib.mkDefault "10.83.119.2:22 10.83.119.2:8080";
    };
  };
  users.users.root.openssh.authorizedKeys.keys = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs you@example.org"
  ];

  # A resolver that validates, for haraka-out, and for the machine where wished.
  services.unbound = {
    enable = true;
    resolveLocalQueries = false;
    settings.server = {
      interface = [ "127.0.0.1" ];
      access-control = [ "127.0.0.0/8 allow" ];
      module-config = lib.mkDefault "\"validator iterator\"";
      do-ip6 = lib.mkDefault true;
      infra-keep-probing = lib.mkDefault true;
      domain-insecure = [ "\"pool.ntp.org\"" ];
      hide-identity = lib.mkDefault true;
      hide-version = lib.mkDefault true;
      prefetch = lib.mkDefault true;
      val-log-level = lib.mkDefault 1;
      num-threads = lib.mkDefault 1;
      msg-cache-size = lib.mkDefault "2m";
      rrset-cache-size = lib.mkDefault "4m";
      key-cache-size = lib.mkDefault "1m";
      neg-cache-size = lib.mkDefault "512k";
      msg-cache-slabs = lib.mkDefault 1;
      rrset-cache-slabs = lib.mkDefault 1;
      infra-cache-slabs = lib.mkDefault 1;
      key-cache-slabs = lib.mkDefault 1;
      infra-cache-numhosts = lib.mkDefault 2000;
      outgoing-range = lib.mkDefault 256;
      num-queries-per-thread = lib.mkDefault 128;
    };
  };
  systemd.services.unbound.serviceConfig.MemoryMax = "96M";

  # Haraka: one instance takes mail from the internet, one sends Mailcow's to it.
  services.haraka.instances = {
    "in" = {
      plugins = [
        "certificates"
        "starttls"
        "tls"
        "sockets"
        "parameters"
        "message_store"
        "whole_messages"
        "sessions"
        "xclient_upstream"
        "postmaster"
        "rcpt_to.in_host_list"
        "queue/smtp_proxy"
      ];
      settings = {
        "smtp.ini".globalSection = {
          listen = lib.mkDefault "[::]:25";
          public_ip = lib.mkDefault "203.0.113.10";
          nodes = lib.mkDefault 0;
          inactivity_timeout = lib.mkDefault 300;
          graceful_shutdown = lib.mkDefault true;
          force_shutdown_timeout = lib.mkDefault 10;
        };
        "tls.ini".globalSection = {
          minVersion = lib.mkDefault "TLSv1.2";
          requestCert = lib.mkDefault false;
          rejectUnauthorized = lib.mkDefault false;
        };
      };
      files = {
        "connection.ini" = lib.mkDefault ./haraka-in/config/connection.ini;
        "dhparams.pem" = lib.mkDefault ./haraka-in/config/dhparams.pem;
        host_list = lib.mkDefault ./haraka-in/config/host_list;
        "log.ini" = lib.mkDefault ./haraka-in/config/log.ini;
        me = lib.mkDefault ./haraka-in/config/me;
        "messages.ini" = lib.mkDefault ./haraka-in/config/messages.ini;
        "postmaster.ini" = lib.mkDefault ./haraka-in/config/postmaster.ini;
        "queue/smtp_proxy.timeout" = lib.mkDefault ./haraka-in/config/queue/smtp_proxy.timeout;
        "sessions.ini" = lib.mkDefault ./haraka-in/config/sessions.ini;
        "smtp_proxy.ini" = lib.mkDefault ./haraka-in/config/smtp_proxy.ini;
        "sockets.ini" = lib.mkDefault ./haraka-in/config/sockets.ini;
        "xclient_upstream.ini" = lib.mkDefault ./haraka-in/config/xclient_upstream.ini;
      };
      localPlugins = {
        certificates = lib.mkDefault ./haraka-in/plugins/certificates.js;
        message_store = lib.mkDefault ./haraka-in/plugins/message_store.js;
        parameters = lib.mkDefault ./haraka-in/plugins/parameters.js;
        postmaster = lib.mkDefault ./haraka-in/plugins/postmaster.js;
        sessions = lib.mkDefault ./haraka-in/plugins/sessions.js;
        "sessions/clock" = lib.mkDefault ./haraka-in/plugins/sessions/clock.js;
        "sessions/commands" = lib.mkDefault ./haraka-in/plugins/sessions/commands.js;
        "sessions/guard" = lib.mkDefault ./haraka-in/plugins/sessions/guard.js;
        "sessions/input" = lib.mkDefault ./haraka-in/plugins/sessions/input.js;
        "sessions/listeners" = lib.mkDefault ./haraka-in/plugins/sessions/listeners.js;
        "sessions/memory" = lib.mkDefault ./haraka-in/plugins/sessions/memory.js;
        "sessions/slots" = lib.mkDefault ./haraka-in/plugins/sessions/slots.js;
        sockets = lib.mkDefault ./haraka-in/plugins/sockets.js;
        starttls = lib.mkDefault ./haraka-in/plugins/starttls.js;
        whole_messages = lib.mkDefault ./haraka-in/plugins/whole_messages.js;
        xclient_upstream = lib.mkDefault ./haraka-in/plugins/xclient_upstream.js;
        "xclient_upstream/kept" = lib.mkDefault ./haraka-in/plugins/xclient_upstream/kept.js;
      };
      credentials.internalcmd_key = "haraka.internalcmd";
      tls = {
        certificate = lib.mkDefault "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.crt";
        key = lib.mkDefault "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.key";
      };
    };
    out = {
      plugins = [
        "certificates"
        "starttls"
        "tls"
        "sockets"
        "parameters"
        "message_store"
        "whole_messages"
        "relay"
        "deliveries"
        "tls_policy"
      ];
      settings = {
        "smtp.ini".globalSection = {
          listen = lib.mkDefault "10.83.119.1:2526";
          public_ip = lib.mkDefault "203.0.113.10";
          nodes = lib.mkDefault 0;
          inactivity_timeout = lib.mkDefault 300;
          graceful_shutdown = lib.mkDefault true;
          force_shutdown_timeout = lib.mkDefault 10;
        };
        "tls.ini".globalSection = {
          minVersion = lib.mkDefault "TLSv1.2";
          requestCert = lib.mkDefault false;
          rejectUnauthorized = lib.mkDefault false;
        };
      };
      files = {
        "connection.ini" = lib.mkDefault ./haraka-out/config/connection.ini;
        "deliveries.ini" = lib.mkDefault ./haraka-out/config/deliveries.ini;
        "dhparams.pem" = lib.mkDefault ./haraka-out/config/dhparams.pem;
        "log.ini" = lib.mkDefault ./haraka-out/config/log.ini;
        me = lib.mkDefault ./haraka-out/config/me;
        "messages.ini" = lib.mkDefault ./haraka-out/config/messages.ini;
        "outbound.ini" = lib.mkDefault ./haraka-out/config/outbound.ini;
        "relay.ini" = lib.mkDefault ./haraka-out/config/relay.ini;
        relay_acl_allow = lib.mkDefault ./haraka-out/config/relay_acl_allow;
        "relay_dest_domains.ini" = lib.mkDefault ./haraka-out/config/relay_dest_domains.ini;
        "sockets.ini" = lib.mkDefault ./haraka-out/config/sockets.ini;
        "tls_policy.ini" = lib.mkDefault ./haraka-out/config/tls_policy.ini;
      };
      localPlugins = {
        certificates = lib.mkDefault ./haraka-out/plugins/certificates.js;
        deliveries = lib.mkDefault ./haraka-out/plugins/deliveries.js;
        "deliveries/attempt" = lib.mkDefault ./haraka-out/plugins/deliveries/attempt.js;
        "deliveries/delivery" = lib.mkDefault ./haraka-out/plugins/deliveries/delivery.js;
        "deliveries/eightbit" = lib.mkDefault ./haraka-out/plugins/deliveries/eightbit.js;
        "deliveries/hosts" = lib.mkDefault ./haraka-out/plugins/deliveries/hosts.js;
        "deliveries/mx" = lib.mkDefault ./haraka-out/plugins/deliveries/mx.js;
        "deliveries/queue_files" = lib.mkDefault ./haraka-out/plugins/deliveries/queue_files.js;
        "deliveries/report" = lib.mkDefault ./haraka-out/plugins/deliveries/report.js;
        "deliveries/session" = lib.mkDefault ./haraka-out/plugins/deliveries/session.js;
        "deliveries/slots" = lib.mkDefault ./haraka-out/plugins/deliveries/slots.js;
        message_store = lib.mkDefault ./haraka-out/plugins/message_store.js;
        parameters = lib.mkDefault ./haraka-out/plugins/parameters.js;
        sockets = lib.mkDefault ./haraka-out/plugins/sockets.js;
        starttls = lib.mkDefault ./haraka-out/plugins/starttls.js;
        tls_policy = lib.mkDefault ./haraka-out/plugins/tls_policy.js;
        "tls_policy/memory" = lib.mkDefault ./haraka-out/plugins/tls_policy/memory.js;
        "tls_policy/names" = lib.mkDefault ./haraka-out/plugins/tls_policy/names.js;
        "tls_policy/policy" = lib.mkDefault ./haraka-out/plugins/tls_policy/policy.js;
        "tls_policy/sts" = lib.mkDefault ./haraka-out/plugins/tls_policy/sts.js;
        "tls_policy/tlsa" = lib.mkDefault ./haraka-out/plugins/tls_policy/tlsa.js;
        whole_messages = lib.mkDefault ./haraka-out/plugins/whole_messages.js;
      };
      credentials.internalcmd_key = "haraka.internalcmd";
      tls = {
        certificate = lib.mkDefault "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.crt";
        key = lib.mkDefault "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.key";
      };
    };
  };
  systemd.services.haraka-in = {
    requires = [ "mailnix-credentials.service" ];
    after = [ "mailnix-credentials.service" ];
    environment = {
      NODE_OPTIONS = lib.mkDefault "--max-old-space-size=128 --max-semi-space-size=2";
      MALLOC_ARENA_MAX = lib.mkDefault "2";
      MALLOC_MMAP_THRESHOLD_ = lib.mkDefault "32768";
    };
    serviceConfig = {
      MemoryHigh = "200M";
      MemoryMax = "300M";
    };
  };
  systemd.services.haraka-out = {
    requires = [ "mailnix-credentials.service" ];
    wants = [ "unbound.service" ];
    after = [
      "mailnix-credentials.service"
      "unbound.service"
    ];
    environment = {
      NODE_OPTIONS = lib.mkDefault "--max-old-space-size=128 --max-semi-space-size=2";
      MALLOC_ARENA_MAX = lib.mkDefault "2";
      MALLOC_MMAP_THRESHOLD_ = lib.mkDefault "32768";
    };
    serviceConfig = {
      MemoryHigh = "200M";
      MemoryMax = "300M";
    };
  };

  # The web, and certificates for it and for haraka-in.
  services.caddy = {
    enable = true;
    logFormat = lib.mkDefault "level INFO";
    globalConfig = ''
      email postmaster@example.org
      # One authority, the one that the published CAA records name.
      cert_issuer acme https://acme-v02.api.letsencrypt.org/directory
      # HTTP/3 would be one more open port for no gain here.
      servers {
      	protocols h1 h2
      }
    '';
    extraConfig = builtins.readFile ./Caddyfile;
  };
  # As on Debian: it tries again for ever, where NixOS's module would give up after an exit status of 1.
  systemd.services.caddy = {
    startLimitIntervalSec = lib.mkForce 0;
    serviceConfig = {
      CapabilityBoundingSet = lib.mkDefault "CAP_NET_BIND_SERVICE";
      NoNewPrivileges = lib.mkDefault true;
      PrivateDevices = lib.mkDefault true;
      ProtectControlGroups = lib.mkDefault true;
      ProtectHome = lib.mkDefault true;
      ProtectKernelModules = lib.mkDefault true;
      ProtectKernelTunables = lib.mkDefault true;
      RestrictAddressFamilies = lib.mkDefault "AF_INET AF_INET6 AF_NETLINK AF_UNIX";
      StateDirectoryMode = lib.mkDefault "0700";
      RestartPreventExitStatus = lib.mkForce "";
    };
  };

  # The release that this machine began with.
  system.stateVersion = lib.mkDefault "25.11";
}
