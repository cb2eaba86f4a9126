# mailnix.credentials: names of credentials in /etc/credstore, a seed disk that brings them at first boot, and a unit
# that services with credentials require.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    mkEnableOption
    mkIf
    mkOption
    types
    ;

  cfg = config.mailnix.credentials;
  names = lib.importTOML ../../mailnix/services/credentials/names.toml;
  anchors = names.nixos_anchors;
  list = pkgs.writeText "mailnix-credentials" (lib.concatMapStrings (name: name + "\n") cfg.names);

  # The same as on Debian.
  hardening = lib.importTOML ../../mailnix/services/hardening.toml;
  consoles = lib.importTOML ../../mailnix/services/consoles.toml;
  templates = ../../mailnix/services/credentials/templates;
  values = names // {
    inherit anchors list;
    # The seed disk's authorities alone; what this system trusts by itself stays in the store.
    bundle = "${anchors}.crt";
  };
  filled = builtins.replaceStrings (map (name: "{{ ${name} }}") (lib.attrNames values)) (
    map toString (lib.attrValues values)
  );

  path = [
    config.systemd.package
    pkgs.coreutils
    pkgs.diffutils
    pkgs.gnugrep
    pkgs.gnutar
    pkgs.iproute2
    pkgs.openssh
    pkgs.util-linux
  ];
  script =
    name:
    pkgs.writeShellScript name ''
      export PATH=${lib.makeBinPath path}
      ${filled (builtins.readFile (templates + "/${name}.sh.j2"))}
    '';

  # What a disk may do to a machine, and how long it may take.
  taking = consoles // {
    Type = "oneshot";
    TimeoutStartSec = "5min";
    PrivateMounts = true;
    UMask = "0077";
  };

  # What takes credentials back that came with a generation which did not become the default (mailnix deploy).
  mend = pkgs.writeShellScript "mailnix-mend" ''
    export PATH=${lib.makeBinPath path}
    ${builtins.readFile ../../mailnix/deploy/nixos/guest/0-places.sh}
    ${builtins.readFile ../../mailnix/deploy/nixos/guest/1-former.sh}
    if former; then forget_before; fi
  '';
in
{
  options.mailnix.credentials = {
    enable = mkEnableOption "credentials from a seed disk or over SSH";

    names = mkOption {
      type = types.listOf (types.strMatching "[A-Za-z0-9._-]+");
      default = [ ];
      example = [ "haraka.internalcmd" ];
      description = ''
        The credentials that this machine cannot do without: names of files in {file}`/etc/credstore`.
        {command}`mailnix-credentials.service` starts when all are there.
      '';
    };
  };

  config = mkIf cfg.enable {
    systemd.services.mailnix-seed = {
      description = "Take credentials from a seed disk, where there is one";
      wantedBy = [ "sysinit.target" ];
      wants = [ "network-pre.target" ];
      after = [
        "local-fs.target"
        "systemd-udevd.service"
        "systemd-udev-trigger.service"
      ]
      ++ import ../laid.nix;
      before = [
        "network-pre.target"
        names.networkd
        "sysinit.target"
        "shutdown.target"
      ];
      conflicts = [ "shutdown.target" ];
      unitConfig.DefaultDependencies = false;
      serviceConfig = taking // {
        RemainAfterExit = true;
        ExecStart = script "seed";
      };
    };

    # A seed disk that is there only now: a stick that is slow, or was put in later (udev's rule starts it).
    systemd.services."${names.late}@" = {
      description = "Take credentials from the seed disk %i";
      after = [ names.seed ];
      serviceConfig = taking // {
        ExecStart = "${script "seed"} /dev/%i";
      };
    };
    services.udev.extraRules = filled (builtins.readFile (templates + "/seed.rules.j2"));

    # Before anything reads a credential, where a power cut came between them and the boot loader.
    systemd.services.mailnix-generations = {
      description = "mailnix takes back what was not confirmed";
      wantedBy = [ "sysinit.target" ];
      after = [ "local-fs.target" ];
      before = [
        names.seed
        "network-pre.target"
        names.networkd
        "sysinit.target"
        "shutdown.target"
      ];
      conflicts = [ "shutdown.target" ];
      unitConfig.DefaultDependencies = false;
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = mend;
        TimeoutStartSec = "5min";
        UMask = "0077";
      };
    };

    systemd.services.mailnix-credentials = {
      description = "Wait for this machine's credentials";
      wantedBy = [ "multi-user.target" ];
      wants = [ names.seed ];
      after = [
        names.seed
        names.networkd
      ];
      serviceConfig = consoles // {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = script "wait-for-credentials";
        TimeoutStartSec = "infinity";
      };
    };

    systemd.services.mailnix-host-key = mkIf config.services.openssh.enable {
      description = "Show this machine's SSH host key and its addresses on its consoles";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [
        "network-online.target"
        "sshd-keygen.service"
        "ssh.service"
        "sshd.service"
      ];
      serviceConfig =
        hardening.everything
        // consoles
        // {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = script "show-host-key";
        };
    };

    # The store's bundle of authorities cannot grow at run time. Go's programs read a folder beside it, so Caddy trusts
    # an ACME authority of one's own that came on the seed disk.
    systemd.services.caddy = mkIf config.services.caddy.enable {
      environment.SSL_CERT_DIR = anchors;
    };

    # Where `mailnix secrets push` looks for it, on every system.
    systemd.tmpfiles.settings.mailnix = {
      ${names.store}.d = {
        user = "root";
        group = "root";
        mode = "0700";
      };
      ${names.scripts}.d = {
        user = "root";
        group = "root";
        mode = "0755";
      };
      "${names.scripts}/${names.receive}"."L+".argument = "${script names.receive}";
    };
  };
}
