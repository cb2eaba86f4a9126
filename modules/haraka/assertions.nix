# What Haraka would do wrong without a word.
{ config, lib, ... }:

let
  inherit (lib)
    concatMap
    filterAttrs
    groupBy
    mapAttrsToList
    versionAtLeast
    ;

  cfg = config.services.haraka;
  enabled = filterAttrs (_: instance: instance.enable) cfg.instances;
  ports = import ./ports.nix { inherit lib; };

  sections = [
    "main"
    "haproxy"
    "headers"
    "max"
    "message"
    "uuid"
  ];

  inStore = lib.hasPrefix builtins.storeDir;

  ofInstance =
    name: instance:
    let
      here = "services.haraka.instances.${name}";
      readyMade = file: toString instance.directory + "/config/${file}";
      has = file: builtins.pathExists (readyMade file);
      plugins =
        if instance.plugins != [ ] || !has "plugins" then
          instance.plugins
        else
          lib.splitString "\n" (builtins.readFile (readyMade "plugins"));
      connection = instance.settings."connection.ini" or { };
      missing = lib.filter (section: !(connection.sections or { } ? ${section})) sections;
    in
    [
      {
        assertion = instance.directory == null || !lib.any has (lib.attrNames instance.settings);
        message = "${here}.settings would replace whole files of ${here}.directory, not add to them: ${lib.concatStringsSep ", " (lib.filter has (lib.attrNames instance.settings))}. Copy what is in them, and set ${here}.files.";
      }
      {
        assertion = instance.settings ? "smtp.ini" || instance.files ? "smtp.ini" || has "smtp.ini";
        message = ''${here}.settings."smtp.ini" is missing: say at least where to listen, as globalSection.listen = "[::0]:25".'';
      }
      {
        assertion = instance.files ? "connection.ini" || has "connection.ini" || missing == [ ];
        message = ''${here}.settings."connection.ini".sections lacks ${lib.concatStringsSep ", " missing}: without them every connection hangs at the banner. Do not use mkForce here.'';
      }
      {
        assertion = instance.credentials ? internalcmd_key;
        message = "${here}.credentials.internalcmd_key is missing: without it every local connection may manage the queue. Name a file outside the Nix store, or a credential.";
      }
      {
        assertion = !(instance.settings."smtp.ini".globalSection.daemonize or false);
        message = ''${here}.settings."smtp.ini".globalSection.daemonize must stay off: systemd starts the service and watches it.'';
      }
      {
        assertion = (instance.tls.certificate == null) == (instance.tls.key == null);
        message = "${here}.tls needs both certificate and key.";
      }
      {
        assertion = instance.tls.certificate == null || lib.elem "tls" plugins;
        message = ''${here}.plugins lacks "tls": ${here}.tls.certificate would not be presented.'';
      }
      {
        assertion = !(lib.elem "xclient" plugins);
        message = ''${here}.plugins has "xclient", which lets local connections claim any address; remove it.'';
      }
    ]
    ++ mapAttrsToList (file: source: {
      assertion = !inStore source;
      message = "${here}.credentials.${file} is in the Nix store, which every user can read; name a path outside of it, as a string.";
    }) instance.credentials
    ++ [
      {
        assertion = instance.tls.key == null || !inStore instance.tls.key;
        message = "${here}.tls.key is in the Nix store, which every user can read; name a path outside of it, as a string.";
      }
    ];

  listeners = lib.concatLists (
    mapAttrsToList (
      name: instance: map (listener: { inherit name; } // listener) (ports instance)
    ) enabled
  );

  clashes = filterAttrs (_: users: lib.length users > 1) (
    groupBy (listener: "${listener.address}:${toString listener.port}") listeners
  );

  queues = filterAttrs (_: users: lib.length users > 1) (
    groupBy (name: enabled.${name}.queueDirectory) (lib.attrNames enabled)
  );
in
{
  config.assertions =
    lib.optional (enabled != { }) {
      assertion = versionAtLeast (lib.getVersion cfg.package) "3.3.4";
      message = "services.haraka.package is ${lib.getVersion cfg.package}: versions before 3.3.4 let mail be smuggled past their checks; use 3.3.4 or newer.";
    }
    ++ concatMap (list: list) (mapAttrsToList ofInstance enabled)
    ++ mapAttrsToList (listen: users: {
      assertion = false;
      message = "services.haraka.instances ${
        lib.concatMapStringsSep " and " (u: u.name) users
      } both listen on ${listen}; give one another port or address.";
    }) clashes
    ++ mapAttrsToList (queue: names: {
      assertion = false;
      message = "services.haraka.instances ${lib.concatStringsSep " and " names} share the queue ${queue}; mail would be lost. Give each its own queueDirectory.";
    }) queues;
}
