# What the universal stub cannot be.
final: prev:
let
  inherit (prev) lib;
  isStub = p: builtins.isAttrs p && p.isStub or false;
  same = name: final: p: p // { withPackages = _: final.${name}; };
in
{
  # All of Debian's /usr, once, instead of every stub's.
  debianUsr = prev.runCommand "debian-usr" { } ''
    mkdir $out
    mkdir $out/share
    ln -s /usr/lib/debian/bin $out
    for f in /usr/share/*; do case ''${f##*/} in dbus-1) ;; *) ln -s $f $out/share ;; esac; done
    ln -s bin $out/sbin
  '';
  buildEnv =
    let
      filter = args: if args ? paths && lib.any isStub args.paths then args // { paths = lib.filter (p: !isStub p) args.paths ++ [ final.debianUsr ]; ignoreCollisions = true; } else args;
    in
    (lib.setFunctionArgs (a: prev.buildEnv (if lib.isFunction a then (x: filter (a x)) else filter a)) { }) // { };
  perl = same "perl" final prev.perl;
  python3 = same "python3" final prev.python3;
  # JSON is YAML: `json2yaml --unwrap value FILE OUT`.
  remarshal = prev.writeShellScriptBin "json2yaml" ''
    [ "$1" != --unwrap ] || { exec jq ".$2" "$3" >"$4"; }
    exec jq . "$1" >"$2"
  '';
  remarshal_0_17 = final.remarshal;
  # Debian's program of this name is another one; its openresolv cannot stand beside its systemd-resolved.
  minica = prev.writeShellScriptBin "minica" ''
    PATH=${final.openssl}/bin:$PATH
    ${builtins.readFile ./minica.sh}
  '';
  openresolv = prev.runCommand "openresolv" { meta.mainProgram = "resolvconf"; } ''
    install -D ${./resolvconf.sh} $out/bin/resolvconf
    ln -s bin $out/sbin
  '';
  makeBinaryWrapper = final.makeWrapper;
  lndir = prev.writeShellScriptBin "lndir" ''
    while [ "''${1#-}" != "$1" ]; do shift; done
    exec cp -rsf "$(realpath "$1")/." "''${2:-.}"
  '';
  # One C library is enough.
  pkgsStatic = final;
  pkgsMusl = final;
  # All that anybody wants of glibc's source is a header with the names of variables that are unsafe in setuid programs.
  srcOnly = a: if lib.hasPrefix "glibc" (a.pname or "") then prev.stdenv.mkDerivation {
    name = "glibc";
    dontUnpack = true;
    header = "#define UNSECURE_ENVVARS \"LD_PRELOAD\\0LD_LIBRARY_PATH\\0LD_AUDIT\\0GCONV_PATH\\0LOCPATH\\0\"";
    preInstall = "true";
    buildPhase = ''
      mkdir -p sysdeps/generic
      printf '%s\n' "$header" >sysdeps/generic/unsecvars.h
    '';
    installPhase = "touch $out";
  } else prev.srcOnly a;
}
