# the fake Mailcow from Nix's packages: the tree, scripts and image of mailnix/lab/fake_mailcow, where the lab takes Debian's.
# Every container mounts the disk as its /usr: programs by name, and the store that they live in.
{ lib, pkgs }:

let
  facts = lib.importJSON ./fake-mailcow.json;

  mailnix = pkgs.python3.withPackages (_: [ (import ./python.nix pkgs pkgs.python3) ]);

  # The API asks for bcrypt by the library's older name, the one that Debian has.
  python = pkgs.writeShellScriptBin "python3" ''
    export LD_LIBRARY_PATH=${lib.getLib pkgs.libxcrypt-legacy}/lib
    exec ${lib.getExe pkgs.python3} "$@"
  '';

  programs = pkgs.buildEnv {
    name = "fake-mailcow-programs";
    paths = [
      (pkgs.postfix.override { withSQLite = true; })
      pkgs.bash
      pkgs.coreutils
      pkgs.dovecot_2_4
      pkgs.dovecot_pigeonhole_2_4
      pkgs.gnugrep
      pkgs.gnused
      pkgs.nginx
      pkgs.openssl.bin
      pkgs.redis
      pkgs.rspamd
      pkgs.uacme
      python
    ];
    pathsToLink = [
      "/bin"
      "/lib/dovecot/modules"
    ];
  };

  usr = pkgs.runCommand "fake-mailcow-usr" { } ''
    mkdir -p "$out/lib/dovecot" "$out/share/nginx" "$out/share/publicsuffix"
    ln -s ${programs}/bin "$out/bin"
    ln -s ${programs}/bin "$out/sbin"
    ln -s ${programs}/lib/dovecot/modules "$out/lib/dovecot/modules"
    ln -s ${pkgs.nginx}/conf/mime.types "$out/share/nginx/mime.types"
    ln -s ${pkgs.publicsuffix-list}/share/publicsuffix/public_suffix_list.dat \
      "$out/share/publicsuffix/effective_tld_names.dat"
  '';
in
{
  # What services.mailcow checks again when it lays the tree, and asks of what fetchFromGitHub gives.
  tree = pkgs.runCommand "fake-mailcow" {
    nativeBuildInputs = [ mailnix ];
    outputHash = facts.tree;
    outputHashMode = "recursive";
    passthru = {
      rev = facts.tree;
      gitRepoUrl = "";
    };
  } "python -m mailnix.lab.fake_mailcow.nix tree $out";

  disk =
    pkgs.runCommand "fake-mailcow-images"
      {
        nativeBuildInputs = [
          mailnix
          pkgs.e2fsprogs
        ];
        closure = pkgs.closureInfo { rootPaths = [ usr ]; };
      }
      ''
        mkdir -p usr/nix/store
        cp -r --preserve=mode,links --no-dereference $(cat "$closure/store-paths") usr/nix/store
        cp -r --no-dereference ${usr}/. usr
        chmod -R u+w usr
        python -m mailnix.lab.fake_mailcow.nix disk usr "$out"
      '';
}
