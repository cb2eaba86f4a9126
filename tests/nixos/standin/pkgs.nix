# Packages that modules name: each is a path that looks like one of the store's.
{ lib }:

let
  package = name: {
    outPath = "${builtins.storeDir}/00000000000000000000000000000000-${name}";
    version = "999";
    inherit name;
  };
  named = name: _: package name;
  # Refuses a template with a blank left.
  script =
    name: text:
    assert !(lib.hasInfix "{{ " text);
    package name;
  format = _: {
    type.description = "JSON value";
    generate = named;
  };
in
lib.genAttrs [
  "bash"
  "coreutils"
  "curl"
  "dehydrated"
  "diffutils"
  "docker"
  "findutils"
  "gawk"
  "getent"
  "gnugrep"
  "gnused"
  "gnutar"
  "gzip"
  "iproute2"
  "nftables"
  "nmap"
  "openssh"
  "openssl"
  "python3"
  "python3Minimal"
  "swaks"
  "systemd"
  "util-linux"
  "which"
  "wireguard-tools"
  "zstd"
] package
// {
  formats = lib.genAttrs [
    "iniWithGlobalSection"
    "json"
    "yaml"
  ] (_: format);
  callPackage = file: _: package (baseNameOf (dirOf file));
  fetchFromGitHub =
    {
      owner,
      repo,
      rev,
      hash,
    }:
    package repo
    // {
      inherit rev;
      gitRepoUrl = "https://github.com/${owner}/${repo}.git";
      outputHash = hash;
    };
  linkFarm = named;
  writeShellScript = script;
  writeShellScriptBin = script;
  writeText = named;
  writeTextFile = { name, ... }: package name;
}
