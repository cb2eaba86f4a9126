# What would go wrong late, in a container's log.
{ config, lib, ... }:

let
  inherit (lib)
    attrNames
    filterAttrs
    groupBy
    hasInfix
    mapAttrsToList
    ;

  cfg = config.services.mailcow;
  inStore = lib.hasPrefix builtins.storeDir;

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

  secretVariables = lib.filter (name: cfg.settings ? ${name}) (attrNames cfg.secrets);
  docker = config.virtualisation.docker.daemon.settings;
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
        message = "virtualisation.docker.daemon.settings.userland-proxy must be false: docker-proxy hands connections to Postfix under an address that may relay without a password.";
      }
      {
        assertion = cfg.composeOverride == { } || !(cfg.files ? "docker-compose.override.yml");
        message = ''services.mailcow.composeOverride would replace services.mailcow.files."docker-compose.override.yml" whole; use one of them.'';
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
