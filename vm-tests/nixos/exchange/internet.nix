# Everything outside, as the lab's internet machine: the texts of ./internet are those that Debian's gets, written by mailnix.
{
  keys,
  macs,
  root,
}:
{
  config,
  lib,
  pkgs,
  ...
}:

let
  folder = root + "/internet";
  facts = lib.importJSON (folder + "/facts.json");

  # Path below /etc to text, with the driver's network cards in the place of the lab's.
  texts =
    let
      walk =
        below:
        lib.concatMapAttrs (
          name: type:
          if type == "directory" then
            walk "${below}${name}/"
          else
            {
              "${below}${name}" = builtins.replaceStrings (map (card: card.lab) macs) (map (
                card: card.driver
              ) macs) (builtins.readFile (folder + "/etc/${below}${name}"));
            }
        ) (builtins.readDir (folder + "/etc/${below}"));
    in
    walk "";

  # As Debian's: SPF is checked by OpenDMARC itself, and OpenDKIM asks the name server that it is told.
  opendmarc = pkgs.opendmarc.overrideAttrs (old: {
    buildInputs = old.buildInputs ++ [ pkgs.libspf2 ];
    configureFlags = old.configureFlags ++ [
      "--with-spf"
      "--with-spf2-include=${lib.getDev pkgs.libspf2}/include/spf2"
      "--with-spf2-lib=${lib.getLib pkgs.libspf2}/lib"
    ];
  });
  opendkim = pkgs.opendkim.overrideAttrs (old: {
    buildInputs = old.buildInputs ++ [ pkgs.unbound ];
    configureFlags = old.configureFlags ++ [ "--with-unbound=${lib.getDev pkgs.unbound}" ];
  });

  program =
    name:
    "L+ /usr/lib/mailnix-internet/${name} - - - - ${
      pkgs.writeScript name (builtins.readFile (../../../mailnix/lab/internet/guest + "/${name}"))
    }";
  # One server a bridge, as the lab's.
  dhcp =
    bridge:
    lib.nameValuePair "mailnix-internet-dhcp-${bridge}" {
      description = "DHCP on ${bridge}";
      wantedBy = [ "multi-user.target" ];
      wants = [ "systemd-networkd.service" ];
      after = [ "systemd-networkd.service" ];
      serviceConfig = {
        RuntimeDirectory = "mailnix-internet";
        RuntimeDirectoryPreserve = true;
        ExecStart = "${lib.getExe' pkgs.dnsmasq "dnsmasq"} --keep-in-foreground --conf-file=/etc/mailnix-internet/dhcp/${bridge}.conf";
        Restart = "always";
        RestartSec = 1;
      };
    };
  ready = "/etc/mailnix-internet/tls/ready";
  account = uid: group: {
    isSystemUser = true;
    inherit group uid;
  };
in
{
  environment.etc = lib.mapAttrs (_: text: { inherit text; }) texts // {
    "bind/published.zone".source = "${keys}/published.zone";
    "resolv.conf".text = lib.mkForce "nameserver 127.0.0.1\n";
  };
  environment.systemPackages = [
    pkgs.nmap
    pkgs.postfix
    pkgs.python3
  ];

  networking = {
    useNetworkd = true;
    useDHCP = false;
    firewall.enable = false;
    extraHosts = lib.mkForce "";
    resolvconf.enable = false;
  };
  services.resolved.enable = false;
  services.timesyncd.enable = false;
  systemd.network.wait-online.enable = false;

  users.users = {
    opendkim = account config.ids.uids.opendkim "opendkim";
    opendmarc = account 993 "opendmarc";
    postfix = account config.ids.uids.postfix "postfix";
    vmail = account 5000 "vmail";
  };
  users.groups = {
    opendkim.gid = config.ids.gids.opendkim;
    opendmarc = { };
    postdrop.gid = config.ids.gids.postdrop;
    postfix.gid = config.ids.gids.postfix;
    vmail.gid = 5000;
  };

  systemd.tmpfiles.rules = [
    "d /var/cache/bind 0755 root root -"
    "d /var/lib/caddy 0700 root root -"
    "d /var/lib/postfix 0755 root root -"
    "d /var/lib/postfix/data 0700 postfix postfix -"
    "d /var/lib/postfix/queue 0755 root root -"
    "d /var/mail/internet 0700 vmail vmail -"
    "d /run/opendkim 0755 opendkim opendkim -"
    "d /run/opendmarc 0755 opendmarc opendmarc -"
    "f /etc/postfix/busy.regexp 0644 root root -"
    "L+ /usr/share/publicsuffix - - - - ${pkgs.publicsuffix-list}/share/publicsuffix"
    (program "clock.py")
    (program "logins.py")
    (program "post.py")
    (program "probe.py")
    (program "scan.py")
    (program "sessions.py")
    (program "sign.py")
    (program "smarthost.py")
  ];

  systemd.services = lib.listToAttrs (map dhcp facts.dhcp) // {
    mailnix-internet-nat = {
      description = "The home router's address translation";
      wantedBy = [ "multi-user.target" ];
      before = [ "network-pre.target" ];
      wants = [ "network-pre.target" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "${lib.getExe pkgs.nftables} -f /etc/mailnix-internet/nat.nft";
      };
    };

    mailnix-internet-clock = {
      description = "Time server";
      path = [ pkgs.python3 ];
      serviceConfig = {
        ExecStart = "/usr/lib/mailnix-internet/clock.py";
        DynamicUser = true;
      };
    };

    named = {
      description = "The root of a small internet, with the zones of the plan";
      wantedBy = [ "multi-user.target" ];
      after = [ "network.target" ];
      unitConfig.ConditionPathExists = ready;
      path = [
        pkgs.bind
        pkgs.python3
      ];
      serviceConfig = {
        RuntimeDirectory = "named";
        ExecStartPre = "/usr/lib/mailnix-internet/sign.py /etc/bind/root.zone /var/cache/bind/root.signed /var/cache/bind/root.key";
        ExecStart = "${lib.getExe' pkgs.bind "named"} -f -n 1 -c /etc/bind/named.conf";
        Restart = "on-failure";
      };
    };

    opendkim = {
      description = "Verifies signatures";
      wantedBy = [ "multi-user.target" ];
      after = [ "named.service" ];
      serviceConfig = {
        ExecStart = "${lib.getExe' opendkim "opendkim"} -f -x /etc/opendkim.conf";
        Restart = "on-failure";
      };
    };

    opendmarc = {
      description = "Checks SPF and DMARC";
      wantedBy = [ "multi-user.target" ];
      after = [ "named.service" ];
      serviceConfig = {
        ExecStart = "${lib.getExe' opendmarc "opendmarc"} -f -c /etc/opendmarc.conf";
        Restart = "on-failure";
      };
    };

    postfix = {
      description = "The remote mail server";
      wants = [
        "opendkim.service"
        "opendmarc.service"
      ];
      after = [
        "named.service"
        "opendkim.service"
        "opendmarc.service"
      ];
      unitConfig.ConditionPathExists = ready;
      path = [ pkgs.postfix ];
      serviceConfig = {
        Type = "forking";
        PIDFile = "/var/lib/postfix/queue/pid/master.pid";
        ExecStart = "${lib.getExe' pkgs.postfix "postfix"} start";
        ExecStop = "${lib.getExe' pkgs.postfix "postfix"} stop";
        ExecReload = "${lib.getExe' pkgs.postfix "postfix"} reload";
      };
    };

    caddy = {
      description = "The ACME authority, under Let's Encrypt's name";
      after = [ "named.service" ];
      unitConfig.ConditionPathExists = ready;
      environment.HOME = "/var/lib/caddy";
      serviceConfig = {
        ExecStart = "${lib.getExe pkgs.caddy} run --config /etc/caddy/Caddyfile";
        Restart = "on-failure";
      };
    };
  };

  systemd.sockets.mailnix-internet-clock = {
    description = "Time server's socket";
    wantedBy = [ "sockets.target" ];
    socketConfig = {
      ListenDatagram = facts.clock;
      FreeBind = true;
    };
  };

  # The certificates come when everything runs, as in the lab.
  systemd.targets.mailnix-internet = {
    description = "Everything outside that needs certificates";
    wants = [
      "caddy.service"
      "named.service"
      "postfix.service"
    ];
  };
  systemd.paths.mailnix-internet = {
    description = "The certificates have come";
    wantedBy = [ "multi-user.target" ];
    pathConfig = {
      PathExists = ready;
      Unit = "mailnix-internet.target";
    };
  };
}
