# pkgs.haraka, pkgs.mailnix and pkgs.mailnix-lab. The modules take `pkgs.haraka` where there is one.
final: _: {
  haraka = final.callPackage ./modules/haraka/package.nix { };
  mailnix = final.callPackage ./modules/mailnix/package.nix { };
  mailnix-lab = final.mailnix.override { withLab = true; };
}
