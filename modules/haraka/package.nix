# Haraka with the plugins that mailnix loads, from the same package-lock.json as on Debian: every
# dependency is fetched by the integrity hash that the lock states, so there is no hash here.
{
  lib,
  importNpmLock,
  makeWrapper,
  nodejs_24,
  openssl,
  pnpm,
  stdenvNoCC,
  npmRoot ? ../../mailnix/services/haraka/npm,
}:

let
  inherit (lib) filterAttrs importJSON mapAttrs;

  nodejs = nodejs_24;
  lock = importJSON (npmRoot + "/package-lock.json");
  root = importJSON (npmRoot + "/package.json");
  inherit (lock.packages."node_modules/Haraka") version;

  # Debian gets Node from npm; here it comes from nixpkgs.
  foreign = name: lib.hasPrefix "node-linux-" (baseNameOf name);
  ours = filterAttrs (name: _: !foreign name);

  # npm omits `resolved` where it would only repeat the registry's own URL scheme. Where the registry
  # is, nixpkgs knows: pnpm comes from there.
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

  nodeModules = importNpmLock.buildNodeModules {
    inherit nodejs package packageLock;
  };
in
stdenvNoCC.mkDerivation {
  pname = "haraka";
  inherit version;

  dontUnpack = true;

  nativeBuildInputs = [ makeWrapper ];

  installPhase = ''
    runHook preInstall
    mkdir -p $out/bin $out/lib
    ln -s ${nodeModules}/node_modules $out/lib/node_modules
    makeWrapper ${lib.getExe nodejs} $out/bin/haraka \
      --add-flags $out/lib/node_modules/Haraka/bin/haraka \
      --prefix PATH : ${lib.makeBinPath [ openssl ]}
    runHook postInstall
  '';

  passthru = {
    inherit nodejs nodeModules packageLock;
  };

  meta = {
    description = "Fast SMTP server written in JavaScript, with plugins";
    homepage = "https://haraka.github.io";
    changelog = "https://github.com/haraka/Haraka/blob/v${version}/CHANGELOG.md";
    license = lib.licenses.mit;
    mainProgram = "haraka";
    inherit (nodejs.meta) platforms;
  };
}
