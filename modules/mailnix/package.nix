# The mailnix command.
{
  lib,
  python3Packages,
  # What `mailnix build` and `mailnix lab` run; `check`, `plan`, `emit` and `dns` need none of it.
  withLab ? false,
  e2fsprogs,
  qemu,
  versionCheckHook,
}:

let
  inherit (lib) fileset;

  project = (lib.importTOML ../../pyproject.toml).project;
  version = lib.head (
    builtins.match ".*\n__version__ = \"([^\"]+)\"\n.*" (builtins.readFile ../../mailnix/__init__.py)
  );

  # As nixpkgs calls what pyproject.toml requires.
  nameOf =
    requirement:
    lib.replaceStrings [ "." ] [ "-" ] (lib.head (builtins.match "([A-Za-z0-9.-]+).*" requirement));
  packageOf = requirement: python3Packages.${nameOf requirement};
in
python3Packages.buildPythonApplication {
  pname = "mailnix";
  inherit version;
  pyproject = true;

  src = fileset.toSource {
    root = ../..;
    fileset = fileset.unions [
      ../../LICENSE
      ../../README.md
      ../../flake.lock
      ../../mailnix
      ../../modules
      ../../pyproject.toml
    ];
  };

  build-system = [ python3Packages.hatchling ];

  dependencies = map packageOf (
    project.dependencies ++ lib.optionals withLab project.optional-dependencies.lab
  );

  makeWrapperArgs = lib.optionals withLab [
    "--prefix PATH : ${
      lib.makeBinPath [
        e2fsprogs
        qemu
      ]
    }"
  ];

  nativeCheckInputs = [ versionCheckHook ];
  pythonImportsCheck = [ "mailnix" ];

  meta = {
    inherit (project) description;
    license = lib.licenses.mit;
    maintainers = import ../maintainers.nix;
    mainProgram = "mailnix";
    platforms = lib.platforms.linux;
  };
}
