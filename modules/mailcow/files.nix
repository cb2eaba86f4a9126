# What lies on top of Mailcow's tree, as one directory.
{
  cfg,
  lib,
  pkgs,
}:

let
  inherit (lib)
    concatMapAttrs
    filterAttrs
    mapAttrs'
    mapAttrsToList
    nameValuePair
    optionalAttrs
    ;

  conf =
    let
      text = value: if lib.isBool value then (if value then "y" else "n") else toString value;
    in
    lib.concatStrings (mapAttrsToList (name: value: "${name}=${text value}\n") cfg.settings);

  texts = filterAttrs (_: text: text != "") {
    "data/conf/postfix/extra.cf" = cfg.postfix.extraConfig;
    "data/conf/dovecot/extra.conf" = cfg.dovecot.extraConfig;
    "data/conf/nginx/site.extra.custom" = cfg.nginx.extraConfig;
  };

  rspamd = mapAttrs' (name: nameValuePair "data/conf/rspamd/override.d/${name}") cfg.rspamd.overrides;

  plain = mapAttrs' (path: text: nameValuePair path (pkgs.writeText (baseNameOf path) text)) (
    { "mailcow.conf" = conf; } // texts // rspamd // cfg.files
  );

  executable =
    name: text:
    pkgs.writeTextFile {
      inherit name text;
      executable = true;
    };
  hooks = concatMapAttrs (
    service: scripts:
    mapAttrs' (name: text: nameValuePair "data/hooks/${service}/${name}" (executable name text)) scripts
  ) cfg.hooks;

  compose = optionalAttrs (cfg.composeOverride != { }) {
    "docker-compose.override.yml" =
      (pkgs.formats.yaml { }).generate "docker-compose.override.yml"
        cfg.composeOverride;
  };
in
pkgs.linkFarm "mailcow-settings" (plain // hooks // compose)
