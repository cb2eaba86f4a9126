# mailnix.tunnel: what watches over WireGuard's tunnels. At boot a machine looks whether its own networks overlap ours; the
# machine at home dials again where a tunnel is down; a proxy lets a machine in again whose clock has gone back.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    concatStringsSep
    getExe
    mkEnableOption
    mkIf
    mkOption
    optionalString
    types
    ;

  cfg = config.mailnix.tunnel;
  interfaces = concatStringsSep " " cfg.interfaces;
  stored = file: optionalString (file != null) "${file}";

  # The same as on Debian.
  hardening = lib.importTOML ../../mailnix/services/hardening.toml;
  overlaps = ../../mailnix/services/wireguard/guest/overlaps.py;
  redial = ../../mailnix/services/wireguard/templates/redial.sh;
  readmit = ../../mailnix/services/wireguard/templates/readmit.sh;

  watch = lib.importTOML ../../mailnix/services/wireguard/watch.toml;

  watcher = name: description: command: {
    systemd.services.${name} = {
      inherit description;
      path = [
        pkgs.coreutils
        pkgs.gawk
        pkgs.getent
        pkgs.wireguard-tools
      ];
      serviceConfig =
        hardening.everything
        // hardening.wireguard
        // {
          Type = "oneshot";
          ExecStart = "${getExe pkgs.bash} ${command}";
          RuntimeDirectory = name;
          RuntimeDirectoryPreserve = true;
          LogLevelMax = "notice";
          TimeoutStartSec = "5min";
        };
    };
    systemd.timers.${name} = {
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnBootSec = watch.look;
        OnUnitInactiveSec = watch.look;
        AccuracySec = 1;
      };
    };
  };
in
{
  options.mailnix.tunnel = {
    enable = mkEnableOption "units that watch over WireGuard's tunnels";

    interfaces = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "wg0" ];
      description = "This machine's own ends of tunnels.";
    };

    networks = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./networks.json";
      description = ''
        The networks that nothing around this machine may have: a JSON list of sets with `network`, `whose`, and what to
        `write` where it has. Without it, this machine does not look.
      '';
    };

    dials = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./tunnels";
      description = ''
        The tunnels that this machine dials, a line each: interface, `ipv4` or `ipv6`, endpoint, port, and the number of
        minutes without a handshake after which it is down. Without it, this machine is the one that is dialled.
      '';
    };
  };

  config = mkIf cfg.enable (
    lib.mkMerge [
      (mkIf (cfg.networks != null) {
        systemd.services.mailnix-overlaps = {
          description = "Look whether networks around this machine overlap ours";
          wantedBy = [ "multi-user.target" ];
          wants = [ "network-online.target" ];
          after = [ "network-online.target" ];
          path = [ pkgs.iproute2 ];
          serviceConfig =
            hardening.everything
            // hardening.mailnix-overlaps
            // {
              Type = "oneshot";
              RemainAfterExit = true;
              ExecStart = "${getExe pkgs.python3Minimal} -B ${overlaps} ${stored cfg.networks} ${interfaces}";
              StandardOutput = "journal+console";
            };
        };
      })
      (mkIf (cfg.dials != null) (
        watcher "mailnix-redial" "Dial again where a tunnel is down" "${redial} ${stored cfg.dials} /run/mailnix-redial"
      ))
      (mkIf (cfg.dials == null) (
        watcher "mailnix-readmit" "Let a machine in again whose clock has gone back"
          "${readmit} ${interfaces} ${toString watch.readmit_after} /run/mailnix-readmit"
      ))
    ]
  );
}
