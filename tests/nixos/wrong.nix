# Machines that must be refused, each with what its message must say. Gives name -> { says, failed }.
# Without a tree of nixpkgs the stand-in evaluates them, but for those that need a package.
{
  tree ? null,
  modules,
}:

let
  lib = if tree == null then import ./standin/lib.nix else import (tree + "/lib");

  haraka = changes: {
    services.haraka.instances.a = lib.recursiveUpdate {
      plugins = [ "rcpt_to.in_host_list" ];
      settings."smtp.ini".globalSection.listen = "127.0.0.1:2525";
      credentials.internalcmd_key = "/run/keys/haraka";
    } changes;
  };
  mailcow = changes: {
    services.mailcow = lib.recursiveUpdate {
      enable = true;
      hostname = "mail.example.org";
      bindAddress = "10.83.119.2";
    } changes;
  };
  # A machine whose SSH listens on `port` alone, with `firewall` of networking.firewall.
  sshAt = port: firewall: {
    mailnix.firewall.enable = true;
    networking.firewall = firewall // {
      enable = false;
    };
    services.openssh = {
      enable = true;
      openFirewall = false;
      ports = [ port ];
    };
  };

  cases = {
    harakaWithoutKey = {
      says = "services.haraka.instances.a.credentials.internalcmd_key is missing";
      module = {
        services.haraka.instances.a.settings."smtp.ini".globalSection.listen = "127.0.0.1:25";
      };
    };
    harakaWithoutListener = {
      says = ''services.haraka.instances.a.settings."smtp.ini" is missing'';
      module = {
        services.haraka.instances.a.credentials.internalcmd_key = "/run/keys/haraka";
      };
    };
    harakaSecretInStore = {
      says = "services.haraka.instances.a.credentials.internalcmd_key is in the Nix store";
      module = haraka { credentials.internalcmd_key = "${builtins.toFile "key" "secret"}"; };
    };
    harakaSections = {
      says = ''"connection.ini".sections lacks haproxy, headers'';
      module = haraka {
        settings."connection.ini" = lib.mkForce {
          sections = {
            main = { };
            max = { };
            message = { };
            uuid = { };
          };
        };
      };
    };
    harakaXclient = {
      says = ''services.haraka.instances.a.plugins has "xclient"'';
      module = haraka { plugins = [ "xclient" ]; };
    };
    harakaTlsNotLoaded = {
      says = ''services.haraka.instances.a.plugins lacks "tls"'';
      module = haraka {
        tls.certificate = "/var/lib/a.crt";
        tls.key = "/var/lib/a.key";
      };
    };
    harakaHalfATls = {
      says = "services.haraka.instances.a.tls needs both";
      module = haraka {
        plugins = [ "tls" ];
        tls.certificate = "/var/lib/a.crt";
      };
    };
    harakaTlsNameUpwards = {
      says = "services.haraka.instances.a.tls.others.../x is no host name";
      module = haraka {
        plugins = [ "tls" ];
        tls.certificate = "/var/lib/a.crt";
        tls.key = "/var/lib/a.key";
        tls.others."../x" = {
          certificate = "/var/lib/b.crt";
          key = "/var/lib/b.key";
        };
      };
    };
    harakaTlsNameWithABlank = {
      says = "services.haraka.instances.a.tls.others.a b is no host name";
      module = haraka {
        plugins = [ "tls" ];
        tls.certificate = "/var/lib/a.crt";
        tls.key = "/var/lib/a.key";
        tls.others."a b" = {
          certificate = "/var/lib/b.crt";
          key = "/var/lib/b.key";
        };
      };
    };
    harakaTooOld = {
      says = "services.haraka.instances.a.package is 3.0.0";
      module =
        { pkgs, ... }:
        lib.recursiveUpdate (haraka { }) {
          services.haraka.package = pkgs.hello.overrideAttrs {
            version = "3.0.0";
            name = "haraka-3.0.0";
          };
        };
    };
    harakaListenerInAFile = {
      says = ''services.haraka.instances.a.files."smtp.ini" hides from NixOS where Haraka listens'';
      module = haraka { files."smtp.ini" = "listen=127.0.0.1:25"; };
    };
    harakaFileTwice = {
      says = "services.haraka.instances.a has log.ini in both settings and files";
      module = haraka {
        settings."log.ini".sections.main.level = "info";
        files."log.ini" = ./wrong.nix;
      };
    };
    harakaPluginsFile = {
      says = "services.haraka.instances.a.files has plugins or queue_dir";
      module = haraka { files.plugins = [ "tls" ]; };
    };
    harakaCredentialTwice = {
      says = "credentials auth.key and auth/key would both be the credential auth.key";
      module = haraka {
        credentials."auth/key" = "/run/keys/a";
        credentials."auth.key" = "/run/keys/b";
      };
    };
    harakaPortTwice = {
      says = "services.haraka.instances a and b both listen on 127.0.0.1:2525";
      module = lib.recursiveUpdate (haraka { }) {
        services.haraka.instances.b = (haraka { }).services.haraka.instances.a;
      };
    };
    harakaQueueTwice = {
      says = "services.haraka.instances.a.queueDirectory is in what is b's";
      module = lib.recursiveUpdate (haraka { queueDirectory = "/srv/queue"; }) {
        services.haraka.instances.b =
          (haraka {
            settings."smtp.ini".globalSection.listen = "127.0.0.1:2526";
            queueDirectory = "/srv/queue";
          }).services.haraka.instances.a;
      };
    };
    harakaQueueInAQueue = {
      says = "services.haraka.instances.b.queueDirectory is in what is a's";
      module = lib.recursiveUpdate (haraka { queueDirectory = "/srv/queue"; }) {
        services.haraka.instances.b =
          (haraka {
            settings."smtp.ini".globalSection.listen = "127.0.0.1:2526";
            queueDirectory = "/srv/queue/b";
          }).services.haraka.instances.a;
      };
    };
    harakaQueueRelative = {
      says = "services.haraka.instances.a.queueDirectory is queue: write it as systemd takes it";
      module = haraka { queueDirectory = "queue"; };
    };
    harakaQueueUpwards = {
      says = "services.haraka.instances.a.queueDirectory is /srv/../run/queue: write it";
      module = haraka { queueDirectory = "/srv/../run/queue"; };
    };
    harakaQueueFleeting = {
      says = "services.haraka.instances.a.queueDirectory is /var/tmp/queue, where nothing survives";
      module = haraka { queueDirectory = "/var/tmp/queue"; };
    };
    harakaQueueASystemFolder = {
      says = "services.haraka.instances.a.queueDirectory is /srv: systemd would give haraka-a all of it";
      module = haraka { queueDirectory = "/srv"; };
    };
    harakaQueueOfAllState = {
      says = "queueDirectory is /var/lib: systemd would give haraka-a all of it";
      module = haraka { queueDirectory = "/var/lib"; };
    };
    harakaQueueOfTheSystem = {
      says = "services.haraka.instances.a.queueDirectory is /etc/ssh, which is the system's";
      module = haraka { queueDirectory = "/etc/ssh"; };
    };
    harakaQueueAHome = {
      says = "queueDirectory is /data/alice: systemd would give haraka-a all of it, and others use /data/alice.";
      module = lib.recursiveUpdate (haraka { queueDirectory = "/data/alice"; }) {
        users.users.alice = {
          isNormalUser = true;
          home = "/data/alice";
        };
      };
    };
    harakaQueueOverAHome = {
      says = "queueDirectory is /data: systemd would give haraka-a all of it, and others use /data/homes/alice.";
      module = lib.recursiveUpdate (haraka { queueDirectory = "/data"; }) {
        users.users.alice = {
          isNormalUser = true;
          home = "/data/homes/alice";
        };
      };
    };
    harakaQueueOverADisk = {
      says = "queueDirectory is /data: systemd would give haraka-a all of it, and others use /data/photos.";
      module = lib.recursiveUpdate (haraka { queueDirectory = "/data"; }) {
        fileSystems."/data/photos" = {
          device = "/dev/sdb1";
          fsType = "ext4";
        };
      };
    };
    harakaQueueAnothersState = {
      says = "queueDirectory is /var/lib/backups: systemd would give haraka-a all of it, and others use /var/lib/backups/old.";
      module = lib.recursiveUpdate (haraka { queueDirectory = "/var/lib/backups"; }) {
        systemd.services.backup.serviceConfig.StateDirectory = "other backups/old:previous";
      };
    };
    harakaQueueAnothersLogs = {
      says = "queueDirectory is /var/log/web: systemd would give haraka-a all of it, and others use /var/log/web.";
      module = lib.recursiveUpdate (haraka { queueDirectory = "/var/log/web"; }) {
        systemd.services.web.serviceConfig.LogsDirectory = [ "web" ];
      };
    };
    mailcowHostname = {
      says = "services.mailcow.hostname is example.org: it needs at least two dots";
      module = mailcow { hostname = "example.org"; };
    };
    mailcowDomainIsHost = {
      says = "which Mailcow refuses";
      module = mailcow { provision.domains."mail.example.org" = { }; };
    };
    mailcowSecretInSettings = {
      says = "services.mailcow.settings has DBPASS";
      module = mailcow { settings.DBPASS = "secret"; };
    };
    mailcowSecretInStore = {
      says = "services.mailcow.secrets.API_KEY is in the Nix store";
      module = mailcow { secrets.API_KEY = "${builtins.toFile "key" "secret"}"; };
    };
    mailcowPortTwice = {
      says = "services.mailcow.settings IMAPS_PORT and SMTP_PORT both listen on 10.83.119.2:25";
      module = mailcow { settings.IMAPS_PORT = "10.83.119.2:25"; };
    };
    mailcowHttpPort = {
      says = "services.mailcow.settings.HTTP_PORT takes a port alone";
      module = mailcow { settings.HTTP_PORT = "10.83.119.2:8080"; };
    };
    mailcowUserlandProxy = {
      says = "services.mailcow.configureDocker = true sets it, for every container of this machine";
      module = mailcow { };
    };
    mailcowUserlandProxyOn = {
      says = "userland-proxy must be false";
      module = lib.recursiveUpdate (mailcow { configureDocker = true; }) {
        virtualisation.docker.daemon.settings.userland-proxy = true;
      };
    };
    mailcowBeforeItsTunnel = {
      says = "Docker cannot bind it before the tunnel is up, and does not try again. Set services.mailcow.behindTunnel";
      module = lib.recursiveUpdate (mailcow { }) {
        networking.wg-quick.interfaces.wg0 = {
          address = [ "10.83.119.2/24" ];
          privateKeyFile = "/run/keys/wg0";
        };
      };
    };
    mailcowClientsOfItsTunnel = {
      says = "networking.firewall.checkReversePath drops clients whose answers would leave elsewhere";
      module = lib.recursiveUpdate (mailcow { }) {
        boot.kernel.sysctl."net.ipv4.ip_nonlocal_bind" = 1;
        networking.firewall.enable = true;
        systemd.network = {
          enable = true;
          netdevs."50-wg0".netdevConfig = {
            Name = "wg0";
            Kind = "wireguard";
          };
          networks."50-wg0" = {
            matchConfig.Name = "wg0";
            address = [ "10.83.119.2/24" ];
          };
        };
      };
    };
    mailcowFileTwice = {
      says = ''services.mailcow.files."data/hooks/postfix/a.sh" would replace services.mailcow.hooks.postfix whole'';
      module = mailcow {
        hooks.postfix."a.sh" = "true";
        files."data/hooks/postfix/a.sh" = "false";
      };
    };
    mailcowConfFile = {
      says = ''services.mailcow.files."mailcow.conf" would replace services.mailcow.settings whole'';
      module = mailcow { files."mailcow.conf" = "TZ=Etc/UTC"; };
    };
    mailcowFileOutside = {
      says = ''services.mailcow.files."data/../../x" is no file to lay on top'';
      module = mailcow { files."data/../../x" = "x"; };
    };
    mailcowFileOfSetup = {
      says = ''services.mailcow.files.".env" is no file to lay on top'';
      module = mailcow { files.".env" = "x"; };
    };
    mailcowFlush = {
      says = "networking.nftables.flushRuleset deletes the tables of Docker and Mailcow";
      module = lib.recursiveUpdate (mailcow { }) {
        networking.nftables.enable = true;
        networking.nftables.flushRuleset = true;
      };
    };
    mailcowSource = {
      says = "services.mailcow.source must be a fixed-output derivation";
      module = { pkgs, ... }: mailcow { source = pkgs.hello; };
    };
    firewallTwice = {
      says = "networking.firewall.enable would put a second firewall beside mailnix's";
      module = {
        mailnix.firewall.enable = true;
        networking.firewall.enable = true;
      };
    };
    firewallCommands = {
      says = "networking.firewall.extraCommands are for iptables and would not be run";
      module = {
        mailnix.firewall.enable = true;
        networking.firewall.enable = false;
        networking.firewall.extraCommands = "iptables -A INPUT -j ACCEPT";
      };
    };
    firewallSsh = {
      says = "services.openssh.ports has 2222, which mailnix's firewall keeps closed";
      module = sshAt 2222 { };
    };
    firewallSshInAnothersNumber = {
      says = "services.openssh.ports has 2222, which";
      module = sshAt 2222 { extraInputRules = "tcp dport 22222 accept"; };
    };
    firewallSshInAComment = {
      says = "services.openssh.ports has 2222, which";
      module = sshAt 2222 {
        extraInputRules = ''
          # tcp dport 2222 accept
          tcp dport 443 accept comment "tcp dport 2222 accept"
        '';
      };
    };
    firewallSshDropped = {
      says = "services.openssh.ports has 2222, which";
      module = sshAt 2222 {
        extraInputRules = "ip saddr 10.0.0.0/8 tcp dport { 2222, 443 } drop; tcp dport != 2222 accept; tcp sport 2222 accept";
      };
    };
    firewallSshBesideARange = {
      says = "services.openssh.ports has 2222, which";
      module = sshAt 2222 {
        allowedTCPPortRanges = [
          {
            from = 2223;
            to = 2300;
          }
        ];
      };
    };
    firewallContainers = {
      says = "mailnix's firewall forwards mail alone, so web, networking.nat would have no network";
      module = {
        mailnix.firewall.enable = true;
        networking.firewall.enable = false;
        networking.nat.enable = true;
        virtualisation.oci-containers.containers.web.image = "nginx";
      };
    };
    caddyFile = {
      says = "services.caddy.configFile, or settings, takes the place of services.caddy.extraConfig and virtualHosts";
      module = {
        mailnix.base.enable = true;
        services.caddy = {
          enable = true;
          extraConfig = "mail.example.org";
          configFile = "/etc/Caddyfile";
        };
      };
    };
    caddyFolder = {
      says = "services.caddy.dataDir is /srv/caddy, but services.haraka.instances.a.tls.certificate is below /var/lib/caddy";
      module = lib.recursiveUpdate (haraka {
        plugins = [ "tls" ];
        tls.certificate = "/var/lib/caddy/a.crt";
        tls.key = "/var/lib/caddy/a.key";
      }) {
        mailnix.base.enable = true;
        services.caddy = {
          enable = true;
          dataDir = "/srv/caddy";
        };
      };
    };
    baseFlush = {
      says = "networking.nftables.flushRuleset would delete the tables of Docker";
      module = {
        mailnix.base.enable = true;
        networking.nftables.enable = true;
        networking.nftables.flushRuleset = true;
      };
    };
  };

  machine = {
    boot.loader.grub.device = "/dev/sda";
    fileSystems."/" = {
      device = "/dev/sda1";
      fsType = "ext4";
    };
    system.stateVersion = "25.11";
  };

  evaluated =
    module:
    if tree == null then
      (import ./standin {
        modules = modules ++ [ module ];
        nixos = module;
      }).failed
    else
      map (a: a.message) (
        lib.filter (a: !a.assertion)
          (import (tree + "/nixos/lib/eval-config.nix") {
            system = "x86_64-linux";
            modules = modules ++ [
              machine
              module
            ];
          }).config.assertions
      );
in
lib.mapAttrs (_: case: {
  inherit (case) says;
  failed = evaluated case.module;
}) (lib.filterAttrs (_: case: tree != null || !builtins.isFunction case.module) cases)
