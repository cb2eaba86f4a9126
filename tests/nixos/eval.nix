# What tests compare of an evaluated machine, as data. Nothing is built.
{
  tree,
  modules,
  image ? false,
}:

let
  evaluated = import (tree + "/nixos/lib/eval-config.nix") {
    system = "x86_64-linux";
    modules = modules ++ [ partial ];
  };
  inherit (evaluated) config;
  inherit (evaluated.pkgs) lib;

  # A partial copy of nixpkgs lacks what the manual is made of.
  partial =
    { lib, ... }:
    lib.optionalAttrs (!builtins.pathExists (tree + "/nixos/doc")) {
      documentation.enable = lib.mkDefault false;
      documentation.nixos.enable = lib.mkDefault false;
    };

  texts = lib.mapAttrs (_: unit: if unit.text == null then "" else unit.text);
  failed = map (a: a.message) (lib.filter (a: !a.assertion) config.assertions);
  instances = config.services.haraka.instances or { };
in
{
  inherit failed;
  inherit (config) warnings;
  toplevel = if failed == [ ] then config.system.build.toplevel.drvPath else null;
  image = if image then config.system.build.images.mailnix.drvPath else null;

  hostName = config.networking.hostName;
  nft = lib.mapAttrs (_: table: {
    inherit (table) family content;
  }) config.networking.nftables.tables;
  inherit (config.networking.nftables) flushRuleset;
  ports = config.networking.firewall.allowedTCPPorts;
  tmpfiles = config.systemd.tmpfiles.settings;
  reloads = lib.mapAttrs (_: cert: cert.reloadServices) config.security.acme.certs;
  firewall = config.networking.firewall.enable;
  network = texts config.systemd.network.units;
  units = texts config.systemd.units;
  commands = map lib.getName config.environment.systemPackages;
  sysctl = lib.mapAttrs (_: toString) config.boot.kernel.sysctl;
  users = lib.mapAttrs (_: user: {
    inherit (user) isSystemUser group;
    keys = user.openssh.authorizedKeys.keys;
  }) config.users.users;
  passwords = lib.attrNames (
    lib.filterAttrs (
      _: user:
      user.password != null
      || user.initialPassword != null
      || user.hashedPassword != null && user.hashedPassword != "!"
    ) config.users.users
  );
  caddy = {
    inherit (config.services.caddy) globalConfig extraConfig;
    sites = lib.attrNames config.services.caddy.virtualHosts;
  };
  scripts = map (unit: config.systemd.services.${unit}.serviceConfig.ExecStart.text) (
    lib.filter (unit: config.mailnix.credentials.enable or false && config.systemd.services ? ${unit}) [
      "mailnix-seed"
      "mailnix-credentials"
    ]
  );
  sshd = {
    inherit (config.services.openssh.settings) PasswordAuthentication PermitRootLogin;
    RequiredRSASize = config.services.openssh.settings.RequiredRSASize or null;
  };
  docker = config.virtualisation.docker.daemon.settings;
  timeZone = config.time.timeZone;
  haraka = lib.mapAttrs (_: instance: {
    inherit (instance) credentials plugins;
    connection = instance.settings."connection.ini".sections or null;
  }) instances;
  mailcow =
    if config.services.mailcow.enable or false then
      {
        conf = lib.mapAttrs (
          _: value: if lib.isBool value then (if value then "y" else "n") else toString value
        ) config.services.mailcow.settings;
        postfix = config.services.mailcow.postfix.extraConfig;
        inherit (config.services.mailcow)
          composeOverride
          files
          hooks
          secrets
          ;
        provision =
          if config.services.mailcow.provision.description == null then
            null
          else
            builtins.readFile config.services.mailcow.provision.description;
        source = {
          inherit (config.services.mailcow.source) rev;
          hash = config.services.mailcow.source.outputHash;
        };
      }
    else
      null;
}
