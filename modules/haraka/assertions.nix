# What Haraka would do wrong without a word.
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:

let
  inherit (lib)
    attrNames
    concatMap
    filterAttrs
    groupBy
    mapAttrsToList
    versionAtLeast
    ;

  cfg = config.services.haraka;
  enabled = filterAttrs (_: instance: instance.enable) cfg.instances;
  ports = import ./ports.nix { inherit lib; };
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

  sections = [
    "main"
    "haproxy"
    "headers"
    "max"
    "message"
    "uuid"
  ];

  others = import ./others.nix { inherit config lib; };

  inStore = lib.hasPrefix builtins.storeDir;

  ofInstance =
    name: instance:
    let
      here = "services.haraka.instances.${name}";
      connection = instance.settings."connection.ini" or { };
      missing = lib.filter (section: !(connection.sections or { } ? ${section})) sections;
      twice = lib.intersectLists (attrNames instance.settings) (attrNames instance.files);
      seized = (queue name instance).seized (others instance.queueDirectory);
      credentials = filterAttrs (_: files: lib.length files > 1) (
        groupBy units.credentialOf (attrNames instance.credentials)
      );
    in
    [
      {
        assertion = versionAtLeast (lib.getVersion instance.package) "3.3.4";
        message = "${here}.package is ${lib.getVersion instance.package}: versions before 3.3.4 let mail be smuggled past their checks; use 3.3.4 or newer.";
      }
      {
        assertion = twice == [ ];
        message = "${here} has ${lib.concatStringsSep ", " twice} in both settings and files, where one would replace the other; keep one.";
      }
      {
        assertion = !(instance.files ? "smtp.ini");
        message = ''${here}.files."smtp.ini" hides from NixOS where Haraka listens; write it as ${here}.settings."smtp.ini".'';
      }
      {
        assertion = !(instance.files ? plugins || instance.files ? queue_dir);
        message = "${here}.files has plugins or queue_dir, which are options: ${here}.plugins, ${here}.queueDirectory.";
      }
      {
        assertion = instance.settings ? "smtp.ini" || instance.files ? "smtp.ini";
        message = ''${here}.settings."smtp.ini" is missing: say at least where to listen, as globalSection.listen = "[::0]:25".'';
      }
      {
        assertion = instance.files ? "connection.ini" || missing == [ ];
        message = ''${here}.settings."connection.ini".sections lacks ${lib.concatStringsSep ", " missing}: without them every connection hangs at the banner. Do not use mkForce here.'';
      }
      {
        assertion = instance.credentials ? internalcmd_key;
        message = "${here}.credentials.internalcmd_key is missing: without it every local connection may manage the queue. Name a file outside the Nix store, or a credential.";
      }
      {
        assertion = (queue name instance).plain;
        message = "${here}.queueDirectory is ${instance.queueDirectory}: write it as systemd takes it, from / on, without \"..\", blanks or a slash at its end.";
      }
      {
        assertion = !(queue name instance).fleeting;
        message = "${here}.queueDirectory is ${instance.queueDirectory}, where nothing survives a restart; mail that waits would be lost. Name a directory on a disk.";
      }
      {
        assertion = !(queue name instance).systems;
        message = "${here}.queueDirectory is ${instance.queueDirectory}, which is the system's own; name a directory elsewhere, as /srv/haraka-${name}.";
      }
      {
        assertion = seized == [ ];
        message = "${here}.queueDirectory is ${instance.queueDirectory}: systemd would give haraka-${name} all of it, and others use ${lib.findFirst (_: true) "" seized}. Name a directory of its own, as ${instance.queueDirectory}/haraka-${name}.";
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
        assertion = instance.tls.certificate == null || lib.elem "tls" instance.plugins;
        message = ''${here}.plugins lacks "tls": ${here}.tls.certificate would not be presented.'';
      }
      {
        assertion = !(lib.elem "xclient" instance.plugins);
        message = ''${here}.plugins has "xclient", which lets local connections claim any address; remove it.'';
      }
    ]
    ++ mapAttrsToList (credential: files: {
      assertion = false;
      message = "${here}.credentials ${lib.concatStringsSep " and " files} would both be the credential ${credential}; rename one.";
    }) credentials
    ++ mapAttrsToList (file: source: {
      assertion = !inStore source;
      message = "${here}.credentials.${file} is in the Nix store, which every user can read; name a path outside of it, as a string.";
    }) instance.credentials
    ++ mapAttrsToList (other: _: {
      assertion = builtins.match "([A-Za-z0-9-]+[.])*[A-Za-z0-9-]+" other != null;
      message = "${here}.tls.others.${other} is no host name, which certificates are for.";
    }) instance.tls.others
    ++ mapAttrsToList (other: files: {
      assertion = !inStore files.key;
      message = "${here}.tls.others.${other}.key is in the Nix store, which every user can read; name a path outside of it, as a string.";
    }) instance.tls.others
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

  # Pairs of which the first has its queue in what is the second's.
  within = concatMap (
    name:
    map (other: { inherit name other; }) (
      lib.filter (
        other:
        name != other
        && lib.any (queue name enabled.${name}).within [
          enabled.${other}.queueDirectory
          "/var/lib/haraka-${other}"
        ]
      ) (attrNames enabled)
    )
  ) (attrNames enabled);
in
{
  config.assertions =
    concatMap (list: list) (mapAttrsToList ofInstance enabled)
    ++ mapAttrsToList (listen: users: {
      assertion = false;
      message = "services.haraka.instances ${
        lib.concatMapStringsSep " and " (u: u.name) users
      } both listen on ${listen}; give one another port or address.";
    }) clashes
    ++ map (pair: {
      assertion = false;
      message = "services.haraka.instances.${pair.name}.queueDirectory is in what is ${pair.other}'s, and mail would be lost. Give each a queueDirectory of its own.";
    }) within;
}
