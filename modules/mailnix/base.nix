# mailnix.base: networkd, a resolver without a listener on the network, bounded logs, the time.
{
  config,
  lib,
  options,
  ...
}:

let
  inherit (lib) mkDefault mkEnableOption mkIf;

  cfg = config.mailnix.base;
  inherit (config.services) caddy;
  # Caddy's own folder, unless its owner says another.
  storage = "/var/lib/caddy";
  elsewhere = lib.attrNames (
    lib.filterAttrs (
      _: instance: instance.enable && lib.hasPrefix "${storage}/" (toString instance.tls.certificate)
    ) (config.services.haraka.instances or { })
  );

  # The priority of an option that nothing defines.
  byDefault = (lib.mkOptionDefault null).priority;

  # NixOS 26.05 moved resolved's settings; both spellings mean the same.
  quiet = {
    LLMNR = "false";
    MulticastDNS = "false";
  };
  # Who is asked where neither the description nor the network names a resolver: this machine's own, or nobody. What is
  # compiled into resolved is Cloudflare and Google.
  fallback = lib.optional config.services.unbound.enable "127.0.0.1";
  resolved =
    if options.services.resolved ? settings then
      # A text: of an empty list nothing would be written, and what is compiled in would count.
      { settings.Resolve = quiet // { FallbackDNS = mkDefault (lib.concatStringsSep " " fallback); }; }
    else
      {
        llmnr = quiet.LLMNR;
        fallbackDns = mkDefault fallback;
        extraConfig = "MulticastDNS=${quiet.MulticastDNS}";
      };
in
{
  options.mailnix.base.enable = mkEnableOption "the settings that every machine of mailnix shares";

  config = mkIf cfg.enable {
    networking.useNetworkd = true;
    # The uplink is one of `systemd.network.networks`.
    networking.useDHCP = false;

    systemd.network.config.networkConfig = {
      # What Docker and others route is theirs.
      ManageForeignRoutes = false;
      ManageForeignRoutingPolicyRules = false;
      # A machine that others reach by its address keeps it.
      IPv6PrivacyExtensions = false;
    };
    networking.tempAddresses = mkDefault "disabled";

    # A machine on a busy host (an oversold VPS, an emulator) needs minutes for what systemd gives 90 seconds.
    systemd.settings.Manager = {
      DefaultTimeoutStartSec = mkDefault "15min";
      DefaultDeviceTimeoutSec = mkDefault "15min";
    };

    # A machine that nobody sits at starts again.
    boot.kernel.sysctl."kernel.panic" = mkDefault 10;

    # A tunnel that is not up yet must not hold up a boot, and a network that is late is no fault of the machine.
    systemd.network.wait-online = {
      anyInterface = mkDefault true;
      timeout = mkDefault 30;
    };
    systemd.services.systemd-networkd-wait-online =
      mkIf config.systemd.network.wait-online.enable
        { serviceConfig.SuccessExitStatus = 1; };

    services.resolved = {
      enable = true;
    }
    // resolved;

    services.journald.extraConfig = "SystemMaxUse=200M";

    services.timesyncd.enable = mkDefault true;
    services.qemuGuest.enable = mkDefault true;

    # Mail machines are cloned from images: no password lets anybody in.
    users.mutableUsers = mkDefault false;

    assertions = [
      {
        assertion =
          config.services.caddy.enable && (caddy.extraConfig != "" || caddy.virtualHosts != { })
          -> options.services.caddy.configFile.highestPrio >= byDefault && caddy.settings == { };
        message = "services.caddy.configFile, or settings, takes the place of services.caddy.extraConfig and virtualHosts, so that names of this machine would not be served; say what you serve in services.caddy.virtualHosts.";
      }
      {
        assertion = caddy.enable && caddy.dataDir != storage -> elsewhere == [ ];
        message = "services.caddy.dataDir is ${caddy.dataDir}, but services.haraka.instances.${lib.head elsewhere}.tls.certificate is below ${storage}, where no certificate will come; leave dataDir, or name the new place in tls.certificate and tls.key.";
      }
      {
        assertion = !config.networking.nftables.flushRuleset;
        message = "networking.nftables.flushRuleset would delete the tables of Docker and Mailcow with every reload; set it to false.";
      }
    ];
  };
}
