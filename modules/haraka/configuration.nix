# The configuration directory of an instance, but for what is secret.
{ lib, pkgs }:

let
  inherit (lib)
    isList
    isString
    mapAttrs
    mapAttrs'
    nameValuePair
    optionalAttrs
    ;

  ini = pkgs.formats.iniWithGlobalSection { };

  lines = list: lib.concatMapStrings (line: line + "\n") list;

  asPath =
    name: value:
    if isList value then
      pkgs.writeText (baseNameOf name) (lines value)
    else if isString value && !lib.hasPrefix builtins.storeDir value then
      pkgs.writeText (baseNameOf name) value
    else
      value;
in
name: instance:
let
  tls = optionalAttrs (instance.tls.certificate != null && !instance.files ? "tls.ini") {
    "tls.ini".globalSection = {
      key = "/run/haraka-${name}-tls/key.pem";
      cert = "/run/haraka-${name}-tls/cert.pem";
      dhparam = "dhparams.pem";
    };
  };

  defaults = {
    inherit (instance) plugins;
    queue_dir = instance.queueDirectory;
    # A published group, RFC 7919's ffdhe2048: Haraka would make one of its own at every start.
    "dhparams.pem" = ../../mailnix/services/haraka/dhparams.pem;
  };

  settings = lib.recursiveUpdate tls instance.settings;

  files =
    mapAttrs (file: value: ini.generate (baseNameOf file) value) settings
    // mapAttrs asPath (defaults // instance.files);
in
pkgs.linkFarm "haraka-${name}" (
  mapAttrs' (file: nameValuePair "config/${file}") files
  // mapAttrs' (plugin: nameValuePair "plugins/${plugin}.js") instance.localPlugins
)
