# What would go wrong late, in a container's log.
{ config, lib, ... }:

let
  inherit (lib)
    attrNames
    attrValues
    concatMapAttrs
    filterAttrs
    groupBy
    hasInfix
    hasPrefix
    mapAttrs'
    mapAttrsToList
    nameValuePair
    optionalAttrs
    ;

  cfg = config.services.mailcow;
  inStore = hasPrefix builtins.storeDir;

  secrets = lib.mapAttrs' (name: lib.nameValuePair "secrets.${name}") cfg.secrets // {
    "provision.adminPasswordFile" = cfg.provision.adminPasswordFile;
    "provision.dkimFile" = cfg.provision.dkimFile;
    "provision.mailboxPasswordsFile" = cfg.provision.mailboxPasswordsFile;
  };

  ports = filterAttrs (name: _: lib.hasSuffix "_PORT" name) cfg.settings;
  # HTTP_PORT and HTTPS_PORT stand beside their addresses, the others hold them.
  listen =
    name: value:
    if name == "HTTP_PORT" then
      "${toString cfg.settings.HTTP_BIND}:${toString value}"
    else if name == "HTTPS_PORT" then
      "${toString cfg.settings.HTTPS_BIND}:${toString value}"
    else
      toString value;
  clashes = filterAttrs (_: names: lib.length names > 1) (
    groupBy (name: listen name ports.${name}) (attrNames ports)
  );

  # Paths in Mailcow's tree that other options have, and what the setup program writes by itself.
  optionOf =
    optionalAttrs (cfg.postfix.extraConfig != "") {
      "data/conf/postfix/extra.cf" = "postfix.extraConfig";
    }
    // optionalAttrs (cfg.dovecot.extraConfig != "") {
      "data/conf/dovecot/extra.conf" = "dovecot.extraConfig";
    }
    // optionalAttrs (cfg.nginx.extraConfig != "") {
      "data/conf/nginx/site.extra.custom" = "nginx.extraConfig";
    }
    // optionalAttrs (cfg.composeOverride != { }) {
      "docker-compose.override.yml" = "composeOverride";
    }
    // mapAttrs' (
      name: _: nameValuePair "data/conf/rspamd/override.d/${name}" "rspamd.overrides"
    ) cfg.rspamd.overrides
    // concatMapAttrs (
      service: mapAttrs' (name: _: nameValuePair "data/hooks/${service}/${name}" "hooks.${service}")
    ) cfg.hooks
    // {
      "mailcow.conf" = "settings";
    };
  bySetup = [
    ".env"
    ".mailnix.bases"
    ".mailnix.json"
    ".mailnix.originals"
    "data/web/inc/app_info.inc.php"
  ];
  inTree =
    path:
    !hasPrefix "/" path
    && lib.all (part: part != "" && part != "." && part != "..") (lib.splitString "/" path);

  secretVariables = lib.filter (name: cfg.settings ? ${name}) (attrNames cfg.secrets);
  docker = config.virtualisation.docker.daemon.settings;
  inherit (config.networking) firewall;

  # Every address of a WireGuard tunnel, whichever of NixOS's three ways made it.
  wireguard =
    lib.concatMap (interface: interface.ips) (attrValues config.networking.wireguard.interfaces)
    ++ lib.concatMap (interface: interface.address) (attrValues config.networking.wg-quick.interfaces)
    ++ lib.concatMap (network: network.address) (
      lib.filter (network: lib.elem (network.matchConfig.Name or null) tunnels) (
        attrValues config.systemd.network.networks
      )
    );
  tunnels = map (netdev: netdev.netdevConfig.Name) (
    lib.filter (netdev: netdev.netdevConfig.Kind or null == "wireguard") (
      attrValues config.systemd.network.netdevs
    )
  );
  throughTunnel = lib.elem cfg.bindAddress (
    map (address: lib.head (lib.splitString "/" address)) wireguard
  );
  bound = "services.mailcow.bindAddress, ${cfg.bindAddress}, is a WireGuard tunnel's";
in
{
  config.assertions = lib.optionals cfg.enable (
    [
      {
        assertion = lib.length (lib.splitString "." cfg.hostname) >= 3;
        message = "services.mailcow.hostname is ${cfg.hostname}: it needs at least two dots, as mail.example.org has.";
      }
      {
        assertion = !(cfg.provision.domains ? ${cfg.hostname});
        message = "services.mailcow.provision.domains.\"${cfg.hostname}\" is also services.mailcow.hostname, which Mailcow refuses; call the host mail.${cfg.hostname} or the like.";
      }
      {
        assertion = cfg.provision.description == null || cfg.provision.domains == { };
        message = "services.mailcow.provision has both description and domains; keep one.";
      }
      {
        assertion = secretVariables == [ ];
        message = "services.mailcow.settings has ${lib.concatStringsSep ", " secretVariables}, which the Nix store would show to every user; use services.mailcow.secrets.";
      }
      {
        assertion = !hasInfix ":" (toString cfg.settings.HTTP_PORT);
        message = "services.mailcow.settings.HTTP_PORT takes a port alone; its address is HTTP_BIND.";
      }
      {
        assertion = (docker.userland-proxy or true) == false;
        message = "virtualisation.docker.daemon.settings.userland-proxy must be false: docker-proxy hands connections to Postfix under an address that may relay without a password. services.mailcow.configureDocker = true sets it, for every container of this machine.";
      }
      {
        assertion =
          throughTunnel -> toString (config.boot.kernel.sysctl."net.ipv4.ip_nonlocal_bind" or 0) == "1";
        message = ''${bound}: Docker cannot bind it before the tunnel is up, and does not try again. Set services.mailcow.behindTunnel = true, or boot.kernel.sysctl."net.ipv4.ip_nonlocal_bind" = 1.'';
      }
      {
        assertion = throughTunnel && firewall.enable -> firewall.checkReversePath != true && firewall.checkReversePath != "strict";
        message = ''${bound}: networking.firewall.checkReversePath drops clients whose answers would leave elsewhere. Set services.mailcow.behindTunnel = true, or networking.firewall.checkReversePath = "loose".'';
      }
      {
        assertion = !config.networking.nftables.flushRuleset;
        message = "networking.nftables.flushRuleset deletes the tables of Docker and Mailcow with every reload; set it to false, and use networking.nftables.tables.";
      }
      {
        assertion =
          cfg.source ? rev && cfg.source ? outputHash && lib.hasPrefix "sha256-" cfg.source.outputHash;
        message = "services.mailcow.source must be a fixed-output derivation with a rev and an SRI hash (sha256-…), as pkgs.fetchFromGitHub makes with `hash`.";
      }
    ]
    ++ map (path: {
      assertion = !(optionOf ? ${path});
      message = ''services.mailcow.files."${path}" would replace services.mailcow.${
        optionOf.${path} or ""
      } whole; use one of them.'';
    }) (attrNames cfg.files)
    ++ map (path: {
      assertion = inTree path && !lib.elem path bySetup;
      message = ''services.mailcow.files."${path}" is no file to lay on top of Mailcow's tree: name one by its path in it, as "data/conf/dovecot/extra.conf", and none that mailnix keeps there for itself.'';
    }) (attrNames cfg.files)
    ++ mapAttrsToList (name: source: {
      assertion = !inStore source;
      message = "services.mailcow.${name} is in the Nix store, which every user can read; name a path outside of it, as a string.";
    }) secrets
    ++ mapAttrsToList (address: names: {
      assertion = false;
      message = "services.mailcow.settings ${lib.concatStringsSep " and " names} both listen on ${address}; give one another port.";
    }) clashes
  );
}
