# The units of an instance: the server, and what keeps its certificate current.
{
  config,
  lib,
  pkgs,
  ports,
  utils,
}:

let
  inherit (lib)
    any
    attrNames
    concatMapStrings
    escapeShellArg
    getExe
    getExe'
    mapAttrsToList
    mkDefault
    optional
    optionalAttrs
    ;

  coreutils = getExe' pkgs.coreutils;

  # The same as on Debian.
  hardening = lib.importTOML ../../mailnix/services/hardening.toml;
  certificateScript = ../../mailnix/services/haraka/templates/haraka-certificate.sh;

  laid = import ../laid.nix;

  sole = list: if lib.length list == 1 then lib.head list else list;

  # systemd's names of credentials have no slash.
  credentialOf = builtins.replaceStrings [ "/" ] [ "." ];
in
{
  inherit credentialOf;

  service =
    name: instance: directory:
    let
      home = "/run/haraka-${name}";
      hasTls = instance.tls.certificate != null;
      privileged = any (listener: listener.port < 1024) (ports instance);
      queue = import ./queue.nix { inherit lib; } name instance;

      # Haraka wants one writable directory with everything in it: files of ours, secrets, local plugins.
      assemble = pkgs.writeShellScript "haraka-${name}-assemble" ''
        set -eu
        ${coreutils "rm"} -rf ${home}/config ${home}/plugins
        ${coreutils "cp"} -rL --no-preserve=all ${directory}/. ${home}
        ${concatMapStrings (file: ''
          ${coreutils "install"} -D -m 0400 "$CREDENTIALS_DIRECTORY"/${escapeShellArg (credentialOf file)} ${home}/config/${escapeShellArg file}
        '') (attrNames instance.credentials)}
        ${coreutils "mkdir"} -p ${escapeShellArg instance.queueDirectory}
      '';
    in
    {
      description = "Haraka mail server (${name})";
      documentation = [ "https://haraka.github.io" ];
      wantedBy = [ "multi-user.target" ];
      # Not required: where no certificate can be had, mail without TLS is better than none.
      wants = [ "network-online.target" ] ++ optional hasTls "haraka-${name}-tls.service";
      after = [
        "network-online.target"
        "nss-lookup.target"
      ]
      ++ laid
      ++ optional hasTls "haraka-${name}-tls.service";

      # Half an hour of failed starts is no passing trouble: it ends as a failed unit, which monitoring sees.
      startLimitIntervalSec = mkDefault 7200;
      startLimitBurst = mkDefault 180;

      inherit (queue) unitConfig;

      serviceConfig = hardening.everything // hardening.haraka // queue.serviceConfig // {
        ExecStartPre = queue.make config.systemd.package ++ [ assemble ];
        ExecStart = "${getExe instance.package} -c ${home}";
        # Haraka ends its sessions in good order on SIGINT; it does not know SIGTERM.
        KillSignal = "SIGINT";
        TimeoutStopSec = 60;
        # Back at once after a crash; what cannot start is tried more seldom.
        Restart = "always";
        RestartSec = 2;
        RestartSteps = 4;
        RestartMaxDelaySec = 10;

        User = "haraka-${name}";
        Group = "haraka-${name}";
        RuntimeDirectory = "haraka-${name}";
        RuntimeDirectoryMode = "0700";
        StateDirectory = "haraka-${name}";
        StateDirectoryMode = "0700";
        WorkingDirectory = home;
        LoadCredential = mapAttrsToList (
          file: source: "${credentialOf file}:${source}"
        ) instance.credentials;

        AmbientCapabilities = optional privileged "CAP_NET_BIND_SERVICE";
        CapabilityBoundingSet = if privileged then [ "CAP_NET_BIND_SERVICE" ] else [ "" ];
        # A user namespace of its own would take the capability away.
        PrivateUsers = !privileged;
      };
    };

  tls =
    name: instance:
    let
      inherit (instance.tls) certificate key useACMEHost;
      byAcme = useACMEHost != null;
      acme = optional byAcme "acme-${useACMEHost}.service";

      folder = "haraka-${name}-tls";

      take =
        certificate: key: subject: to:
        utils.escapeSystemdExecArgs [
          (getExe pkgs.bash)
          "${certificateScript}"
          certificate
          (toString key)
          subject
          "/run/${to}"
          "haraka-${name}"
          "/run/haraka-${name}/config/tls.ini"
        ];

      commands = [
        (take certificate key "${name}.invalid" folder)
      ]
      ++ mapAttrsToList (
        other: files: take files.certificate files.key other "${folder}/${other}"
      ) instance.tls.others;
    in
    {
      description = "Certificate of Haraka (${name})";
      path = [
        pkgs.coreutils
        pkgs.diffutils
        pkgs.openssl
      ];
      wants = acme;
      after = acme ++ laid;
      serviceConfig =
        hardening.everything
        // hardening.haraka-certificate
        // {
          Type = "oneshot";
          ExecStart = sole commands;
          RuntimeDirectory = sole (
            [ folder ] ++ map (other: "${folder}/${other}") (attrNames instance.tls.others)
          );
          RuntimeDirectoryMode = "0755";
          RuntimeDirectoryPreserve = true;
          ReadWritePaths = "-/run/haraka-${name}";
        }
        # security.acme reloads what is active; without it the timer and the path start it again.
        // optionalAttrs byAcme {
          RemainAfterExit = true;
          ExecReload = sole commands;
        };
    };

  # A missed event must not let the certificate run out.
  tlsTimer = {
    wantedBy = [ "timers.target" ];
    timerConfig = {
      OnCalendar = "daily";
      RandomizedDelaySec = "1h";
    };
  };

  tlsPath = instance: {
    wantedBy = [ "multi-user.target" ];
    # Whoever renews them writes one after the other. A % is a specifier's to systemd.
    pathConfig.PathChanged = map (builtins.replaceStrings [ "%" ] [ "%%" ]) (
      [
        instance.tls.certificate
        (toString instance.tls.key)
      ]
      ++ lib.concatMap (files: [
        files.certificate
        files.key
      ]) (lib.attrValues instance.tls.others)
    );
  };
}
