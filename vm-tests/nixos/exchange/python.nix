# A Python that knows mailnix: what it renders for the lab is rendered for the check by the same code.
pkgs: python:
python.pkgs.toPythonModule (
  pkgs.callPackage ../../../modules/mailnix/package.nix {
    python3Packages = python.pkgs;
    withLab = true;
  }
)
