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
      plugins = [
        "certificates"
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
          listen = "[::]:25";
          public_ip = "203.0.113.10";
          nodes = 0;
          inactivity_timeout = 300;
          graceful_shutdown = true;
          force_shutdown_timeout = 10;
        };
        "tls.ini".globalSection = {
          minVersion = "TLSv1.2";
          requestCert = false;
          rejectUnauthorized = false;
        };
      };
      files = {
        "connection.ini" = ./haraka-in/config/connection.ini;
        "dhparams.pem" = ./haraka-in/config/dhparams.pem;
        host_list = ./haraka-in/config/host_list;
        "log.ini" = ./haraka-in/config/log.ini;
        me = ./haraka-in/config/me;
        "messages.ini" = ./haraka-in/config/messages.ini;
        "postmaster.ini" = ./haraka-in/config/postmaster.ini;
        "queue/smtp_proxy.timeout" = ./haraka-in/config/queue/smtp_proxy.timeout;
        "sessions.ini" = ./haraka-in/config/sessions.ini;
        "smtp_proxy.ini" = ./haraka-in/config/smtp_proxy.ini;
        "sockets.ini" = ./haraka-in/config/sockets.ini;
        "xclient_upstream.ini" = ./haraka-in/config/xclient_upstream.ini;
      };
      localPlugins = {
        certificates = ./haraka-in/plugins/certificates.js;
        message_store = ./haraka-in/plugins/message_store.js;
        parameters = ./haraka-in/plugins/parameters.js;
        postmaster = ./haraka-in/plugins/postmaster.js;
        sessions = ./haraka-in/plugins/sessions.js;
        "sessions/clock" = ./haraka-in/plugins/sessions/clock.js;
        "sessions/commands" = ./haraka-in/plugins/sessions/commands.js;
        "sessions/input" = ./haraka-in/plugins/sessions/input.js;
        "sessions/slots" = ./haraka-in/plugins/sessions/slots.js;
        sockets = ./haraka-in/plugins/sockets.js;
        whole_messages = ./haraka-in/plugins/whole_messages.js;
        xclient_upstream = ./haraka-in/plugins/xclient_upstream.js;
      };
      credentials.internalcmd_key = "haraka.internalcmd";
      tls = {
        certificate = "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.crt";
        key = "/var/lib/caddy/.local/share/caddy/certificates/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.key";
      };
    };
    out = {
      plugins = [
        "certificates"
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
          listen = "10.0.0.1:2526";
          public_ip = "203.0.113.10";
          nodes = 0;
          inactivity_timeout = 300;
          graceful_shutdown = true;
          force_shutdown_timeout = 10;
        };
        "tls.ini".globalSection = {
          minVersion = "TLSv1.2";
          requestCert = false;
          rejectUnauthorized = false;
        };
      };
      files = {
        "connection.ini" = ./haraka-out/config/connection.ini;
        "deliveries.ini" = ./haraka-out/config/deliveries.ini;
        "dhparams.pem" = ./haraka-out/config/dhparams.pem;
        "log.ini" = ./haraka-out/config/log.ini;
        me = ./haraka-out/config/me;
        "messages.ini" = ./haraka-out/config/messages.ini;
        "outbound.ini" = ./haraka-out/config/outbound.ini;
        "relay.ini" = ./haraka-out/config/relay.ini;
        relay_acl_allow = ./haraka-out/config/relay_acl_allow;
        "relay_dest_domains.ini" = ./haraka-out/config/relay_dest_domains.ini;
        "sockets.ini" = ./haraka-out/config/sockets.ini;
        "tls_policy.ini" = ./haraka-out/config/tls_policy.ini;
      };
      localPlugins = {
        certificates = ./haraka-out/plugins/certificates.js;
        deliveries = ./haraka-out/plugins/deliveries.js;
        "deliveries/attempt" = ./haraka-out/plugins/deliveries/attempt.js;
        "deliveries/delivery" = ./haraka-out/plugins/deliveries/delivery.js;
        "deliveries/eightbit" = ./haraka-out/plugins/deliveries/eightbit.js;
        "deliveries/hosts" = ./haraka-out/plugins/deliveries/hosts.js;
        "deliveries/mx" = ./haraka-out/plugins/deliveries/mx.js;
        "deliveries/queue_files" = ./haraka-out/plugins/deliveries/queue_files.js;
        "deliveries/report" = ./haraka-out/plugins/deliveries/report.js;
        "deliveries/session" = ./haraka-out/plugins/deliveries/session.js;
        "deliveries/slots" = ./haraka-out/plugins/deliveries/slots.js;
        message_store = ./haraka-out/plugins/message_store.js;
        parameters = ./haraka-out/plugins/parameters.js;
        sockets = ./haraka-out/plugins/sockets.js;
        tls_policy = ./haraka-out/plugins/tls_policy.js;
        "tls_policy/memory" = ./haraka-out/plugins/tls_policy/memory.js;
        "tls_policy/names" = ./haraka-out/plugins/tls_policy/names.js;
        "tls_policy/policy" = ./haraka-out/plugins/tls_policy/policy.js;
        "tls_policy/sts" = ./haraka-out/plugins/tls_policy/sts.js;
        "tls_policy/tlsa" = ./haraka-out/plugins/tls_policy/tlsa.js;
        whole_messages = ./haraka-out/plugins/whole_messages.js;
      };
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
    serviceConfig = {
      MemoryHigh = "200M";
      MemoryMax = "300M";
    };
  };
  systemd.services.haraka-out = {
    requires = [ "mailnix-credentials.service" ];
    after = [ "mailnix-credentials.service" ];
    environment.NODE_OPTIONS = "--max-old-space-size=128 --max-semi-space-size=2";
    serviceConfig = {
      MemoryHigh = "200M";
      MemoryMax = "300M";
    };
  };

  # The web, and certificates for it and for haraka-in.
  services.caddy = {
    enable = true;
    configFile = ./Caddyfile;
  };

  # The release that this machine began with.
  system.stateVersion = "25.11";
}
