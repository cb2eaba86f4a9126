# mailnix.tunnel: what watches over WireGuard's tunnels. At boot a machine looks whether the network around it is as
# described; the machine at home dials again where a tunnel is down; a proxy lets a machine in again whose clock has gone back.
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
  consoles = lib.importTOML ../../mailnix/services/consoles.toml;
  surroundings = ../../mailnix/services/wireguard/guest/surroundings.py;
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

    surroundings = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./surroundings.json";
      description = ''
        What to compare the network around this machine with, as JSON: `networks`, a list of those that nothing around
        it may have (sets with `network`, `whose`, and what to `write` where it has); of a proxy its `ipv4`, the
        `addresses` that are set on its card, whether `ipv4` is `floating` beside an address by DHCP, and `ipv6` where
        its router is to be learned. Without it, this machine does not look.
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
      (mkIf (cfg.surroundings != null) {
        systemd.services.mailnix-surroundings = {
          description = "Look whether the network around this machine is as described";
          wantedBy = [ "multi-user.target" ];
          wants = [ "network-online.target" ];
          after = [ "network-online.target" ];
          path = [ pkgs.iproute2 ];
          serviceConfig =
            hardening.everything
            // hardening.mailnix-surroundings
            // consoles
            // {
              Type = "exec"; # it waits for routers, and multi-user.target does not wait for it
              RemainAfterExit = true;
              ExecStart = "${getExe pkgs.python3Minimal} -B ${surroundings} ${stored cfg.surroundings} ${interfaces}";
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
