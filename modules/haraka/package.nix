# Haraka with the plugins that mailnix loads, from the same package-lock.json as on Debian: every
# dependency is fetched by the integrity hash that the lock states, so there is no hash here.
{
  lib,
  buildNpmPackage,
  importNpmLock,
  makeWrapper,
  nodejs_24,
  openssl,
  pnpm,
  testers,
  versionCheckHook,
  npmRoot ? ../../mailnix/services/haraka/npm,
}:

let
  inherit (lib) filterAttrs importJSON mapAttrs;

  nodejs = nodejs_24;
  lock = importJSON (npmRoot + "/package-lock.json");
  root = importJSON (npmRoot + "/package.json");

  # Debian gets Node from npm; here it comes from nixpkgs.
  foreign = name: lib.hasPrefix "node-linux-" (baseNameOf name);
  ours = filterAttrs (name: _: !foreign name);

  # npm omits `resolved` where it would only repeat the registry's own URL scheme. Where the registry
  # is, nixpkgs knows: pnpm comes from there. Our sources name no registry; should pnpm come from
  # elsewhere one day, the first download fails by name.
  registry = lib.head (lib.splitString "/pnpm/-/" pnpm.src.url);
  nameOf = path: lib.last (lib.splitString "node_modules/" path);
  resolve =
    path: module:
    if path == "" || module ? resolved then
      module
    else
      module
      // {
        resolved =
          let
            name = module.name or (nameOf path);
          in
          "${registry}/${name}/-/${baseNameOf name}-${module.version}.tgz";
      };

  package = root // {
    dependencies = ours root.dependencies;
  };

  packageLock = lock // {
    packages = mapAttrs resolve (ours lock.packages) // {
      "" = lock.packages."" // {
        inherit (package) dependencies;
      };
    };
  };

  # Not in the copy of the modules that emitted flakes carry.
  check = ../.. + "/vm-tests/nixos/haraka.nix";
in
buildNpmPackage (finalAttrs: {
  pname = "haraka";
  inherit (lock.packages."node_modules/Haraka") version;

  src = npmRoot;

  inherit nodejs;
  npmDeps = importNpmLock { inherit package packageLock; };
  inherit (importNpmLock) npmConfigHook;

  # There is nothing of its own to build, and nothing in the lock but what runs.
  dontNpmBuild = true;
  dontNpmPrune = true;

  nativeBuildInputs = [ makeWrapper ];

  postInstall = ''
    makeWrapper ${lib.getExe nodejs} $out/bin/haraka \
      --add-flags $out/lib/node_modules/${root.name}/node_modules/Haraka/bin/haraka \
      --prefix PATH : ${lib.makeBinPath [ openssl ]}
  '';

  doInstallCheck = true;
  nativeInstallCheckInputs = [ versionCheckHook ];

  passthru = {
    inherit nodejs packageLock;
    tests = lib.optionalAttrs (builtins.pathExists check) {
      module = testers.runNixOSTest {
        imports = [ check ];
        defaults = {
          imports = [ ./. ];
          services.haraka.package = finalAttrs.finalPackage;
        };
      };
    };
  };

  meta = {
    description = "Fast SMTP server written in JavaScript, with plugins";
    homepage = "https://haraka.github.io";
    changelog = "https://github.com/haraka/Haraka/blob/v${finalAttrs.version}/CHANGELOG.md";
    license = lib.licenses.mit;
    maintainers = import ../maintainers.nix;
    mainProgram = "haraka";
    inherit (nodejs.meta) platforms;
  };
})
