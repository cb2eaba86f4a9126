# The units of an instance: the server, and what keeps its certificate current.
{
  lib,
  package,
  pkgs,
  ports,
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
    optional
    ;

  coreutils = getExe' pkgs.coreutils;
in
{
  service =
    name: instance: directories:
    let
      home = "/run/haraka-${name}";
      hasTls = instance.tls.certificate != null;
      privileged = any (listener: listener.port < 1024) (ports instance);

      # Haraka wants one writable directory with everything in it: files of ours, secrets, local plugins.
      assemble = pkgs.writeShellScript "haraka-${name}-assemble" ''
        set -eu
        ${coreutils "rm"} -rf ${home}/config ${home}/plugins
        ${concatMapStrings (directory: ''
          ${coreutils "cp"} -rL --no-preserve=all ${directory}/. ${home}
        '') directories}
        ${concatMapStrings (file: ''
          ${coreutils "install"} -D -m 0400 "$CREDENTIALS_DIRECTORY"/${escapeShellArg (baseNameOf file)} ${home}/config/${escapeShellArg file}
        '') (attrNames instance.credentials)}
        ${coreutils "mkdir"} -p ${escapeShellArg instance.queueDirectory}
      '';
    in
    {
      description = "Haraka mail server (${name})";
      documentation = [ "https://haraka.github.io" ];
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      requires = optional hasTls "haraka-${name}-tls.service";
      after = [
        "network-online.target"
        "nss-lookup.target"
      ]
      ++ optional hasTls "haraka-${name}-tls.service";

      # Mail waits while a machine is away: never give up starting.
      startLimitIntervalSec = 0;

      serviceConfig = {
        ExecStartPre = assemble;
        ExecStart = "${getExe package} -c ${home}";
        # Haraka ends its sessions in good order on SIGINT; it does not know SIGTERM.
        KillSignal = "SIGINT";
        TimeoutStopSec = 60;
        Restart = "always";
        RestartSec = 5;

        User = "haraka-${name}";
        Group = "haraka-${name}";
        RuntimeDirectory = "haraka-${name}";
        RuntimeDirectoryMode = "0700";
        StateDirectory = "haraka-${name}";
        StateDirectoryMode = "0700";
        WorkingDirectory = home;
        UMask = "0077";
        LoadCredential = mapAttrsToList (file: source: "${baseNameOf file}:${source}") instance.credentials;
        ReadWritePaths = optional (
          !lib.hasPrefix "/var/lib/haraka-${name}/" instance.queueDirectory
        ) instance.queueDirectory;

        AmbientCapabilities = optional privileged "CAP_NET_BIND_SERVICE";
        CapabilityBoundingSet = if privileged then [ "CAP_NET_BIND_SERVICE" ] else [ "" ];
        # A user namespace of its own would take the capability away.
        PrivateUsers = !privileged;

        DevicePolicy = "closed";
        LockPersonality = true;
        # Node compiles at run time.
        MemoryDenyWriteExecute = false;
        NoNewPrivileges = true;
        PrivateDevices = true;
        PrivateTmp = true;
        ProcSubset = "pid";
        ProtectClock = true;
        ProtectControlGroups = true;
        ProtectHome = true;
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        ProtectProc = "invisible";
        ProtectSystem = "strict";
        RemoveIPC = true;
        RestrictAddressFamilies = [
          "AF_INET"
          "AF_INET6"
          "AF_NETLINK"
          "AF_UNIX"
        ];
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        SystemCallArchitectures = "native";
        SystemCallErrorNumber = "EPERM";
        SystemCallFilter = [
          "@system-service"
          "~@privileged @resources"
        ];
      };
    };

  tls =
    name: instance:
    let
      target = "/run/haraka-${name}-tls";
      inherit (instance.tls) certificate key;
    in
    {
      description = "Certificate of Haraka (${name})";
      path = [
        pkgs.coreutils
        pkgs.openssl
      ];
      serviceConfig = {
        Type = "oneshot";
        RuntimeDirectory = "haraka-${name}-tls";
        RuntimeDirectoryPreserve = true;
        UMask = "0077";
      };
      script = ''
        take() {
          install -o haraka-${name} -g haraka-${name} -m 0400 "$1" ${target}/new
          mv ${target}/new "${target}/$2"
        }
        chown haraka-${name}: ${target}
        certificate=${escapeShellArg certificate} key=${escapeShellArg (toString key)}
        if [ -s "$certificate" ] && [ -s "$key" ]; then
          # Haraka ends when it is shown a key of another certificate; the second file's change comes here again.
          if [ "$(openssl x509 -noout -pubkey -in "$certificate")" != "$(openssl pkey -pubout -in "$key")" ]; then
            echo "$key is not the key of $certificate yet: keeping what Haraka has"
            exit 0
          fi
          take "$key" key.pem
          take "$certificate" cert.pem
        elif ! [ -e ${target}/cert.pem ]; then
          echo "$certificate is not there yet: a self-signed certificate stands in"
          work=$(mktemp -d)
          openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=${name}.invalid \
            -keyout "$work/key.pem" -out "$work/cert.pem"
          take "$work/key.pem" key.pem
          take "$work/cert.pem" cert.pem
          rm -r "$work"
        fi
        # Haraka reads both again when tls.ini changes, and only then.
        if [ -e /run/haraka-${name}/config/tls.ini ]; then
          touch /run/haraka-${name}/config/tls.ini
        fi
      '';
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
    # Whoever renews them writes one after the other.
    pathConfig.PathChanged = [
      instance.tls.certificate
      (toString instance.tls.key)
    ];
  };
}
