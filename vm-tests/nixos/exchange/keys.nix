# Throw-away secrets, certificate authority, seed disks and the zone with the DKIM keys: a test's, and the test's alone.
{ pkgs, plan }:

pkgs.runCommand "mail-exchange-keys"
  {
    nativeBuildInputs = [
      (pkgs.python3.withPackages (_: [ (import ./python.nix pkgs pkgs.python3) ]))
      pkgs.e2fsprogs
    ];
  }
  ''
    mkdir "$out"
    python - <<'END'
    import os
    from pathlib import Path

    from mailnix.config import load
    from mailnix.lab.scenario.nixos_driver import write_keys
    from mailnix.plan import derive

    write_keys(derive(load(Path("${plan}"))), Path(os.environ["out"]))
    END
  ''
