# The programs that lay Mailcow's tree, fill it, back it up and restore it, the same as on Debian.
{
  cfg,
  config,
  lib,
  pkgs,
}:

let
  package = pkgs.linkFarm "mailcow-programs" { mailcow = ../../mailnix/services/mailcow/guest; };

  # The last ones are for Mailcow's own backup script, and for what it packs.
  path = [
    config.systemd.package
    config.virtualisation.docker.package
    pkgs.coreutils
    pkgs.gnutar
    pkgs.openssl
    pkgs.util-linux
    pkgs.bash
    pkgs.findutils
    pkgs.gawk
    pkgs.gnugrep
    pkgs.gnused
    pkgs.gzip
    pkgs.python3
    pkgs.which
    pkgs.zstd
  ];

  text = module: words: ''
    export PATH=${lib.makeBinPath path} PYTHONPATH=${package}
    exec ${lib.getExe pkgs.python3} -B -c 'import sys; from mailcow.${module} import main; sys.exit(main(*sys.argv[1:]))' ${words}"$@"
  '';
  start = module: pkgs.writeShellScript "mailcow-${module}" (text module "");
in
{
  setup = start "setup";
  provision = start "provision";
  bans = start "bans";

  # What people call too: mailcow-backup, mailcow-restore.
  command =
    module: machine: pkgs.writeShellScriptBin "mailcow-${module}" (text module "--config ${machine} ");
}
