# The mailnix command.
{
  lib,
  python3Packages,
  # What `mailnix build` and `mailnix lab` run; `check`, `plan`, `emit` and `dns` need none of it.
  withLab ? false,
  e2fsprogs,
  qemu,
}:

let
  inherit (lib) fileset;

  project = (lib.importTOML ../../pyproject.toml).project;
in
python3Packages.buildPythonApplication {
  pname = "mailnix";
  inherit (project) version;
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

  dependencies = [
    python3Packages.attrs
    python3Packages.cattrs
    python3Packages.click
    python3Packages.cryptography
    python3Packages.idna
    python3Packages.jinja2
  ]
  ++ lib.optionals withLab [
    python3Packages.dnspython
    python3Packages.pytest
    python3Packages.pytest-testinfra
    python3Packages.qemu-qmp
  ];

  makeWrapperArgs = lib.optionals withLab [
    "--prefix PATH : ${
      lib.makeBinPath [
        e2fsprogs
        qemu
      ]
    }"
  ];

  pythonImportsCheck = [ "mailnix" ];

  meta = {
    inherit (project) description;
    license = lib.licenses.mit;
    mainProgram = "mailnix";
    platforms = lib.platforms.linux;
  };
}
