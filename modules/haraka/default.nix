# services.haraka: the Haraka mail server, as many instances as a machine needs.
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:

let
  inherit (lib)
    concatMap
    filterAttrs
    literalExpression
    mapAttrs'
    mkIf
    mkMerge
    mkOption
    mkPackageOption
    nameValuePair
    types
    ;

  cfg = config.services.haraka;
  enabled = filterAttrs (_: instance: instance.enable) cfg.instances;
  withTls = filterAttrs (_: instance: instance.tls.certificate != null) enabled;
  watched = filterAttrs (_: instance: instance.tls.useACMEHost == null) withTls;
  # Of `enabled`: whether there is a certificate is known from `security.acme.certs`, which this decides.
  byAcme = filterAttrs (_: instance: instance.tls.useACMEHost != null) enabled;

  # nixpkgs has no Haraka; our overlay, or one of yours, may.
  packages.haraka = pkgs.haraka or (pkgs.callPackage ./package.nix { });

  ports = import ./ports.nix { inherit lib; };
  configuration = import ./configuration.nix { inherit lib pkgs; };
  queue = import ./queue.nix { inherit lib; };
  units = import ./units.nix {
    inherit
      config
      lib
      pkgs
      ports
      utils
      ;
  };

  reachable =
    listener: !lib.hasPrefix "127." listener.address && listener.address != "[::1]" && listener.address != "localhost";
in
{
  imports = [ ./assertions.nix ];

  options.services.haraka = {
    package = mkPackageOption packages "haraka" {
      pkgsText = "mailnix.packages.\${system}";
      extraDescription = "Version 3.3.4 or newer.";
    };

    instances = mkOption {
      type = types.attrsOf (types.submodule (import ./instance.nix { inherit config lib pkgs; }));
      default = { };
      example = literalExpression ''
        {
          relay = {
            plugins = [ "relay" ];
            settings = {
              "smtp.ini".globalSection.listen = "10.83.119.1:2526";
              "relay.ini".sections.relay.acl = true;
            };
            files.relay_acl_allow = [ "10.83.119.2/32" ];
            credentials.internalcmd_key = "/run/keys/haraka-internalcmd";
          };
        }
      '';
      description = ''
        Haraka instances by name; each is a service {command}`haraka-NAME`, with a user and a queue of its own.
      '';
    };
  };

  config = mkIf (enabled != { }) {
    systemd.services =
      mapAttrs' (
        name: instance:
        nameValuePair "haraka-${name}" (units.service name instance (configuration name instance))
      ) enabled
      // mapAttrs' (name: instance: nameValuePair "haraka-${name}-tls" (units.tls name instance)) withTls;

    systemd.paths = mapAttrs' (
      name: instance: nameValuePair "haraka-${name}-tls" (units.tlsPath instance)
    ) watched;

    systemd.timers = mapAttrs' (name: _: nameValuePair "haraka-${name}-tls" units.tlsTimer) watched;

    security.acme.certs = mkMerge (
      lib.mapAttrsToList (name: instance: {
        ${instance.tls.useACMEHost}.reloadServices = [ "haraka-${name}-tls.service" ];
      }) byAcme
    );

    systemd.tmpfiles.settings = mapAttrs' (
      name: instance: nameValuePair "haraka-${name}" (queue name instance).folder
    ) (filterAttrs (name: instance: (queue name instance).elsewhere) enabled);

    users.users = mapAttrs' (
      name: _:
      nameValuePair "haraka-${name}" {
        isSystemUser = true;
        group = "haraka-${name}";
        description = "Haraka instance ${name}";
      }
    ) enabled;

    users.groups = mapAttrs' (name: _: nameValuePair "haraka-${name}" { }) enabled;

    networking.firewall.allowedTCPPorts = concatMap (
      instance: map (listener: listener.port) (lib.filter reachable (ports instance))
    ) (lib.filter (instance: instance.openFirewall) (lib.attrValues enabled));
  };
}
