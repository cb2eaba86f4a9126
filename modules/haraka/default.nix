# services.haraka: the Haraka mail server, as many instances as a machine needs.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    concatMap
    filterAttrs
    literalExpression
    mapAttrs'
    mkIf
    mkOption
    nameValuePair
    types
    ;

  cfg = config.services.haraka;
  enabled = filterAttrs (_: instance: instance.enable) cfg.instances;
  withTls = filterAttrs (_: instance: instance.tls.certificate != null) enabled;

  ports = import ./ports.nix { inherit lib; };
  configuration = import ./configuration.nix { inherit lib pkgs; };
  units = import ./units.nix {
    inherit lib pkgs ports;
    inherit (cfg) package;
  };
in
{
  imports = [ ./assertions.nix ];

  options.services.haraka = {
    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ./package.nix { };
      defaultText = literalExpression "mailnix.packages.\${system}.haraka";
      description = ''
        The Haraka to run: version 3.3.4 or newer.
      '';
    };

    instances = mkOption {
      type = types.attrsOf (types.submodule (import ./instance.nix { inherit lib pkgs; }));
      default = { };
      example = literalExpression ''
        {
          relay = {
            plugins = [ "relay" ];
            settings = {
              "smtp.ini".globalSection.listen = "10.0.0.1:2526";
              "relay.ini".sections.relay.acl = true;
            };
            files.relay_acl_allow = [ "10.0.0.2/32" ];
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
    ) withTls;

    systemd.timers = mapAttrs' (name: _: nameValuePair "haraka-${name}-tls" units.tlsTimer) withTls;

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
      instance: map (listener: listener.port) (ports instance)
    ) (lib.filter (instance: instance.openFirewall) (lib.attrValues enabled));
  };
}
