# services.mailcow: Mailcow's pinned tree under Docker, with settings, secrets and what it holds declared here.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    mapAttrs
    mapAttrsToList
    mkDefault
    mkIf
    mkMerge
    ;

  cfg = config.services.mailcow;
  root = "/var/lib/mailcow";
  programs = import ./programs.nix {
    inherit
      cfg
      config
      lib
      pkgs
      ;
  };
  json = pkgs.formats.json { };
  hardening = lib.importTOML ../../mailnix/services/hardening.toml; # the same as on Debian

  # A bare name is a file of the credential store.
  asPath = source: if lib.hasPrefix "/" source then source else "/etc/credstore/${source}";

  # By which digests images are pulled; another tree's have other names, and these are not in its compose file.
  images = lib.filter (image: image ? digest) (lib.importTOML ../../mailnix/services/mailcow/images.toml).image;

  machine = json.generate "mailcow.json" {
    inherit (cfg) hostname;
    secrets = mapAttrs (name: _: name) cfg.secrets;
    source = {
      tag = cfg.version;
      inherit (cfg.source) rev;
      nar_hash = cfg.source.outputHash;
      url = cfg.source.gitRepoUrl or "";
    };
    backup = {
      folder = cfg.backup.location;
      keep_days = cfg.backup.keepDays;
    };
    paths = {
      settings = import ./files.nix { inherit cfg lib pkgs; };
      source = cfg.source;
    };
    images = lib.listToAttrs (map (image: lib.nameValuePair image.name image.digest) images);
  };

  api = "http://${cfg.settings.HTTP_BIND}:${toString cfg.settings.HTTP_PORT}/api/v1";

  description =
    if cfg.provision.description != null then
      cfg.provision.description
    else
      json.generate "provision.json" {
        version = 1;
        inherit (cfg) hostname;
        inherit api;
        domains = mapAttrsToList (name: domain: {
          inherit name;
          mailboxes = mapAttrsToList (local_part: mailbox: {
            inherit local_part;
            inherit (mailbox) name;
            quota_mib = mailbox.quota;
            sends_per_hour = mailbox.sendsPerHour;
          }) domain.mailboxes;
          aliases = mapAttrsToList (local_part: to: { inherit local_part to; }) domain.aliases;
        }) cfg.provision.domains;
      };

  # A registry or a home's internet may be away for hours; after about a day it is a failed unit, which monitoring sees.
  patience = {
    startLimitIntervalSec = mkDefault 129600;
    startLimitBurst = mkDefault 150;
    serviceConfig = {
      Restart = "on-failure";
      RestartSec = 30;
      RestartSteps = 5;
      RestartMaxDelaySec = 600;
    };
  };

  docker = lib.getExe config.virtualisation.docker.package;
  compose = "${docker} compose --project-directory ${root} --progress plain";
in
{
  imports = [ ./assertions.nix ];

  options.services.mailcow = import ./options.nix { inherit lib pkgs; };

  config = mkIf cfg.enable (mkMerge [
    {
      environment.systemPackages = [
        (programs.command "backup" machine)
        (programs.command "restore" machine)
      ];

      services.mailcow.settings = import ./defaults.nix { inherit cfg config lib; };

      virtualisation.docker.enable = true;

      # Containers see no /lib/modules: what their rules need is loaded before they start.
      boot.kernelModules = [
        "br_netfilter"
        "nf_tables"
        "nft_compat"
      ];

      systemd.services.mailcow = {
        description = "Mailcow";
        wantedBy = [ "multi-user.target" ];
        requires = [ "docker.service" ];
        wants = [ "network-online.target" ];
        after = [
          "docker.service"
          "network-online.target"
        ]
        ++ import ../laid.nix;
        inherit (patience) startLimitIntervalSec startLimitBurst;
        serviceConfig = patience.serviceConfig // {
          Type = "oneshot";
          RemainAfterExit = true;
          LoadCredential = mapAttrsToList (name: source: "${name}:${source}") cfg.secrets;
          ExecStartPre = "${programs.setup} ${machine}";
          ExecStart = "${compose} up --detach --no-build --remove-orphans --quiet-pull";
          ExecStop = "${compose} down";
          # The first start pulls some gigabytes.
          TimeoutStartSec = "infinity";
          TimeoutStopSec = "5min";
        };
      };
    }

    (mkIf cfg.configureDocker {
      virtualisation.docker.daemon.settings = {
        # docker-proxy would hand connections over under the bridge's own address, which Postfix trusts.
        userland-proxy = mkDefault false;
        ip6tables = mkDefault true;
        experimental = mkDefault true;
        # mailcow.service follows every restart of the daemon.
        live-restore = mkDefault false;
      };
    })

    (mkIf cfg.behindTunnel {
      boot.kernel.sysctl = {
        "net.ipv4.ip_nonlocal_bind" = mkDefault 1;
        "net.ipv6.ip_nonlocal_bind" = mkDefault 1;
      };
      networking.firewall.checkReversePath = mkDefault "loose";
    })

    (mkIf cfg.provision.enable {
      systemd.services.mailcow-provision = {
        description = "Domains, mailboxes and keys in Mailcow";
        wantedBy = [ "mailcow.service" ];
        # Once done it stays active: only so does it run again when Mailcow restarts.
        partOf = [ "mailcow.service" ];
        after = [ "mailcow.service" ];
        inherit (patience) startLimitIntervalSec startLimitBurst;
        serviceConfig =
          patience.serviceConfig
          // hardening.everything
          // hardening.mailcow-provision
          // {
            Type = "oneshot";
            # A changed description restarts it at the next switch.
            RemainAfterExit = true;
            LoadCredential = [
              "mailcow.api-key:${cfg.secrets.API_KEY}"
              "mailcow.admin-password:${cfg.provision.adminPasswordFile}"
            ];
            # A unit's credentials may be 1 MB in all; a thousand DKIM keys are more.
            OpenFile = [
              "${asPath cfg.provision.dkimFile}:mailcow.dkim:read-only"
              "${asPath cfg.provision.mailboxPasswordsFile}:mailcow.mailboxes:read-only"
            ];
            ExecStart = "${programs.provision} ${description}";
            StateDirectory = "mailcow-provision";
            StateDirectoryMode = "0700";
            TimeoutStartSec = "infinity";
            RestartPreventExitStatus = 2;
          };
      };
    })

    (mkIf (cfg.bans.proxies != [ ]) {
      systemd.services.mailcow-bans = {
        description = "Tell the proxies whom Mailcow has banned";
        wantedBy = [ "mailcow.service" ];
        partOf = [ "mailcow.service" ];
        after = [ "mailcow.service" ];
        startLimitIntervalSec = 0;
        serviceConfig =
          hardening.everything
          // hardening.mailcow-provision
          // {
            Type = "exec";
            LoadCredential = "mailcow.api-key:${cfg.secrets.API_KEY}";
            ExecStart = "${programs.bans} ${
              json.generate "bans.json" {
                inherit api;
                inherit (cfg) hostname;
                inherit (cfg.bans) port proxies;
              }
            }";
            Restart = "always";
            RestartSec = 30;
          };
      };
    })

    (mkIf cfg.backup.enable {
      systemd.services.mailcow-backup = {
        description = "Back up Mailcow";
        inherit (cfg.backup) startAt;
        requires = [ "mailcow.service" ];
        after = [ "mailcow.service" ];
        # A disk that is not there must fail it, not fill the one below its mount point.
        unitConfig.RequiresMountsFor = cfg.backup.location;
        serviceConfig = {
          Type = "oneshot";
          ExecStart = lib.getExe (programs.command "backup" machine);
          Nice = 10;
          IOSchedulingClass = "idle";
          TimeoutStartSec = "infinity";
        };
      };
      systemd.timers.mailcow-backup.timerConfig = {
        RandomizedDelaySec = "1h";
        Persistent = true;
      };
    })
  ]);
}
