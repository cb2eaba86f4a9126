# The programs that lay Mailcow's tree and fill it, the same as on Debian.
{ cfg, config, lib, pkgs }:

let
  sources = ../../mailnix/services/mailcow;
  package = pkgs.linkFarm "mailcow-programs" { mailcow = sources + "/files"; };

  path = [
    config.systemd.package
    config.virtualisation.docker.package
    pkgs.coreutils
    pkgs.gnutar
    pkgs.openssl
    pkgs.util-linux
  ];

  start =
    module:
    pkgs.writeShellScript "mailcow-${module}" ''
      export PATH=${lib.makeBinPath path} PYTHONPATH=${package}
      exec ${lib.getExe pkgs.python3} -B -c 'import sys; from mailcow.${module} import main; sys.exit(main(*sys.argv[1:]))' "$@"
    '';
in
{
  setup = start "setup";
  provision = start "provision";

  backup = pkgs.writeShellScript "mailcow-backup" ''
    export PATH=${
      lib.makeBinPath (
        path
        ++ [
          pkgs.bash
          pkgs.findutils
          pkgs.gawk
          pkgs.gnugrep
          pkgs.gnused
          pkgs.gzip
        ]
      )
    }
    ${builtins.replaceStrings
      [
        "{{ folder }}"
        "{{ root }}"
      ]
      [
        cfg.backup.location
        "/var/lib/mailcow"
      ]
      (builtins.readFile (sources + "/templates/mailcow-backup.sh.j2"))
    }
  '';
}
