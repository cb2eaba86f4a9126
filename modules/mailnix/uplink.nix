# Which network card leads out, where the description names none and there are several.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkIf;

  name = "20-uplink";
  networks = config.systemd.network.networks;
  match = networks.${name}.matchConfig or { };
  wanted = match.MACAddress or match.Name or "en* eth*";

  consoles = lib.importTOML ../../mailnix/services/consoles.toml;

  path = [
    config.systemd.package
    pkgs.coreutils
    pkgs.gnugrep
    pkgs.gnused
    pkgs.iproute2
  ];
  # The same script as on Debian.
  choose = pkgs.writeShellScript "choose-card" ''
    export PATH=${lib.makeBinPath path}
    ${builtins.readFile ../../mailnix/services/network/templates/choose-card.sh}
  '';
in
{
  config = mkIf (config.mailnix.base.enable && networks ? ${name}) {
    systemd.services.mailnix-uplink = {
      description = "Which network card leads out";
      wantedBy = [ "systemd-networkd.service" ];
      wants = [ "network-pre.target" ];
      after = [
        "network-pre.target"
        "systemd-udev-trigger.service"
        "systemd-sysctl.service"
      ];
      before = [
        "systemd-networkd.service"
        "shutdown.target"
      ];
      conflicts = [ "shutdown.target" ];
      unitConfig.DefaultDependencies = false;
      serviceConfig = consoles // {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "${choose} /run/systemd/network/${name}.network.d ${toString wanted}";
        TimeoutStartSec = "10min";
      };
    };
  };
}
