# mailnix.firewall: the table that `networking.nftables.tables.mailnix` holds is the machine's firewall, and what other
# modules say in NixOS's own options is let through by it too.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:

let
  inherit (lib)
    attrNames
    concatStrings
    concatStringsSep
    filterAttrs
    mapAttrsToList
    mkAfter
    mkDefault
    mkEnableOption
    mkIf
    mkOption
    optional
    optionalString
    types
    ;

  cfg = config.mailnix.firewall;
  hardening = lib.importTOML ../../mailnix/services/hardening.toml; # the same as on Debian
  nixos = config.networking.firewall;

  portsOf =
    open: protocol:
    map toString open."allowed${protocol}Ports"
    ++ map (range: "${toString range.from}-${toString range.to}") open."allowed${protocol}PortRanges";
  accepted =
    match: open: protocol:
    let
      ports = portsOf open protocol;
    in
    optionalString (
      ports != [ ]
    ) "${match}${lib.toLower protocol} dport { ${concatStringsSep ", " ports} } accept\n";
  rules = match: open: accepted match open "TCP" + accepted match open "UDP";

  input = concatStrings (
    map (interface: "iifname \"${interface}\" accept\n") (
      lib.filter (interface: interface != "lo") nixos.trustedInterfaces
    )
    ++ [ (rules "" nixos) ]
    ++ mapAttrsToList (interface: rules "iifname \"${interface}\" ") nixos.interfaces
    ++ [ nixos.extraInputRules ]
  );
  chain = name: text: optionalString (text != "") "chain ${name} {\n${text}\n}\n";

  # Ports of SSH that neither the table, which knows the usual one, nor these options open: whoever moves it there has
  # locked themselves out.
  ssh = config.services.openssh;
  opened = import ./opened.nix { inherit lib; } nixos;
  closedSsh = lib.filter (
    port: !lib.elem port options.services.openssh.ports.default && !opened port
  ) ssh.ports;

  # What has packets of its own forwarded, and would be cut off.
  forwarded =
    attrNames config.virtualisation.oci-containers.containers
    ++ attrNames (filterAttrs (_: container: container.privateNetwork) config.containers)
    ++ optional config.virtualisation.libvirtd.enable "libvirtd"
    ++ optional config.networking.nat.enable "networking.nat";
in
{
  options.mailnix.firewall = {
    enable = mkEnableOption "mailnix's own firewall in place of NixOS's, with what NixOS's options open in it";

    bans = {
      listen = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "10.83.119.1:2527";
        description = ''
          Where the machine at home hands the list of whom Mailcow has banned to, which goes into the table's sets
          `banned4` and `banned6`. Without it, nobody does.
        '';
      };

      interface = mkOption {
        type = types.str;
        default = "wg0";
        description = "The tunnel by which it comes; the address that its other end dials from is never shut out.";
      };
    };
  };

  config = mkIf cfg.enable {
    systemd.sockets.mailnix-bans = mkIf (cfg.bans.listen != null) {
      description = "The list of whom Mailcow has banned";
      wantedBy = [ "sockets.target" ];
      listenStreams = [ cfg.bans.listen ];
      socketConfig = {
        FreeBind = true;
        Accept = true;
        MaxConnections = 4;
        # However often somebody connects, the socket stays.
        TriggerLimitIntervalSec = 0;
      };
    };
    systemd.services."mailnix-bans@" = mkIf (cfg.bans.listen != null) {
      description = "Take the list of whom Mailcow has banned";
      unitConfig.CollectMode = "inactive-or-failed";
      path = [
        pkgs.nftables
        pkgs.wireguard-tools
      ];
      serviceConfig =
        hardening.everything
        // hardening.wireguard
        // {
          ExecStart = "${lib.getExe pkgs.python3Minimal} -B ${../../mailnix/services/firewall/guest/bans.py} ${cfg.bans.interface}";
          StandardInput = "socket";
          StandardOutput = "journal";
          StandardError = "journal";
          RuntimeMaxSec = 30;
          LogLevelMax = "notice";
        };
    };

    networking.firewall.enable = mkDefault false;
    networking.nftables = {
      enable = true;
      # Docker and Mailcow keep theirs.
      flushRuleset = false;
      tables.mailnix.content = mkAfter (
        chain "input" input + chain "forward" nixos.extraForwardRules
      );
    };

    assertions = [
      {
        assertion = !nixos.enable;
        message = "networking.firewall.enable would put a second firewall beside mailnix's, which drops mail; leave it false. The ports, interfaces, extraInputRules and extraForwardRules of networking.firewall count in mailnix's.";
      }
      {
        assertion = nixos.extraCommands == "" && nixos.extraStopCommands == "";
        message = "networking.firewall.extraCommands are for iptables and would not be run; write them as networking.firewall.extraInputRules or extraForwardRules, or as a table of their own in networking.nftables.tables.";
      }
      {
        assertion = ssh.enable && !ssh.openFirewall -> closedSsh == [ ];
        message = "services.openssh.ports has ${concatStringsSep ", " (map toString closedSsh)}, which mailnix's firewall keeps closed; open it in networking.firewall.allowedTCPPorts or allowedTCPPortRanges, in those of interfaces.<name>, or in extraInputRules.";
      }
      {
        assertion = forwarded == [ ] || nixos.extraForwardRules != "";
        message = "mailnix's firewall forwards mail alone, so ${concatStringsSep ", " forwarded} would have no network; say in networking.firewall.extraForwardRules what may pass, as iifname \"podman0\" accept.";
      }
    ];
  };
}
