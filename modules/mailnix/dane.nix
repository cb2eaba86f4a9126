# mailnix.dane: a key of a mail server's own, which TLSA records name, and an ACME client that gets certificates for it.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    getExe
    mkEnableOption
    mkIf
    mkOption
    optionalString
    types
    ;

  cfg = config.mailnix.dane;

  # The same as on Debian.
  hardening = lib.importTOML ../../mailnix/services/hardening.toml;
  credentials = lib.importTOML ../../mailnix/services/credentials/names.toml;
  names = lib.importTOML ../../mailnix/services/dane/names.toml;
  script = ../../mailnix/services/dane/templates/mailnix-dane.sh;

  path = [
    pkgs.coreutils
    pkgs.dehydrated
    pkgs.diffutils
    pkgs.gnugrep
    pkgs.gnused
    pkgs.openssl
  ];

  # Copied into the store.
  settings = optionalString (cfg.settings != null) "${cfg.settings}";

  # What hands it to each Haraka.
  copying = map (name: "haraka-${name}-tls.service") (
    lib.attrNames (config.services.haraka.instances or { })
  );

  service =
    verb: rest:
    hardening.everything
    // hardening.mailnix-dane
    // {
      Type = "oneshot";
      User = names.name;
      LoadCredential = cfg.key;
      ExecStart = "${getExe pkgs.bash} ${script} ${verb} %d/${cfg.key} ${toString cfg.hostname} /var/lib/${names.name} /run/${names.name}${rest}";
      StateDirectory = names.name;
      StateDirectoryMode = "0700";
      RuntimeDirectory = [
        names.name
        "${names.name}/${names.web}/.well-known/acme-challenge"
      ];
      RuntimeDirectoryMode = "0755";
      RuntimeDirectoryPreserve = true;
    };
in
{
  options.mailnix.dane = {
    enable = mkEnableOption "a key for incoming mail that stays, and certificates for it";

    hostname = mkOption {
      type = types.nullOr (types.strMatching "[a-z0-9.-]+");
      default = null;
      example = "mx.example.org";
      description = "The name of the mail server, as in MX records.";
    };

    key = mkOption {
      type = types.str;
      default = "dane.key";
      description = ''
        The key: a credential's name, of a private key of the curve P-256 as PEM. No certificate brings another one.
      '';
    };

    settings = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./dehydrated.conf";
      description = ''
        What dehydrated shall do: at least `CA`, `BASEDIR` (the state directory) and `WELLKNOWN` (the folder of
        challenges, which the web server of the name must serve).
      '';
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.hostname != null && cfg.settings != null;
        message = "mailnix.dane needs both hostname, the name that MX records lead to, and settings, a file for dehydrated.";
      }
    ];

    systemd.services.${names.name} = {
      description = "The key that TLSA records name";
      wantedBy = [ "multi-user.target" ];
      requires = [ credentials.ready ];
      # A key that was shown before, and is again, is no change that a path unit would see.
      wants = [ "${names.renew}.service" ] ++ copying;
      after = [ credentials.ready ];
      before = copying;
      inherit path;
      serviceConfig = service "show" "" // {
        RemainAfterExit = true;
      };
    };

    systemd.services.${names.renew} = {
      description = "A certificate for the key that TLSA records name";
      requires = [ credentials.ready ];
      wants = [ "network-online.target" ];
      after = [
        credentials.ready
        "${names.name}.service"
        "network-online.target"
        "caddy.service"
      ];
      inherit path;
      serviceConfig =
        service "renew" " ${settings} /etc/ssl/certs/ca-certificates.crt ${credentials.nixos_anchors}.crt"
        // {
          # That none is to be had now is no fault of the machine's.
          SuccessExitStatus = "TEMPFAIL";
          TimeoutStartSec = "15min";
        };
    };

    systemd.timers.${names.renew} = {
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnCalendar = names.look;
        RandomizedDelaySec = "15min";
      };
    };

    users.users.${names.name} = {
      isSystemUser = true;
      group = names.name;
      description = "Certificate for incoming mail";
    };
    users.groups.${names.name} = { };
  };
}
