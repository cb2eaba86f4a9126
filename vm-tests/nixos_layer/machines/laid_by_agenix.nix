# Lays secrets as agenix does (modules/age.nix): a ramfs on /run/agenix.d, a folder for each generation in it,
# /run/agenix a link to the newest; a secret with a path of its own is a link there, or the file itself; owners are set
# once there are users. What is not agenix's: secrets are in the Nix store.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.age;
  secret =
    { name, ... }:
    {
      options = {
        source = mkOption { type = types.path; };
        path = mkOption {
          type = types.str;
          default = "/run/agenix/${name}";
        };
        mode = mkOption {
          type = types.str;
          default = "0400";
        };
        owner = mkOption {
          type = types.str;
          default = "0";
        };
        group = mkOption {
          type = types.str;
          default = "0";
        };
        symlink = mkOption {
          type = types.bool;
          default = true;
        };
      };
    };

  place = name: secret: if secret.symlink then "/run/agenix.d/$generation/${name}" else secret.path;
  lay = name: secret: ''
    mkdir -p "$(dirname "${place name secret}")"
    install -m ${secret.mode} ${secret.source} "${place name secret}.tmp"
    mv -f "${place name secret}.tmp" "${place name secret}"
    ${lib.optionalString (secret.symlink && secret.path != "/run/agenix/${name}") ''
      mkdir -p "$(dirname ${secret.path})"
      ln -sfT "/run/agenix/${name}" "${secret.path}"
    ''}
  '';
  own = name: secret: ''chown ${secret.owner}:${secret.group} "${place name secret}"'' + "\n";
  each = step: lib.concatStrings (lib.mapAttrsToList step cfg.secrets);
in
{
  options.age.secrets = mkOption {
    type = types.attrsOf (types.submodule secret);
    default = { };
  };

  config.system.activationScripts = {
    agenixNewGeneration = {
      deps = [ "specialfs" ];
      text = ''
        generation=$(basename "$(readlink /run/agenix || echo 0)")
        generation=$((generation + 1))
        mkdir -p /run/agenix.d
        grep -q "/run/agenix.d ramfs" /proc/mounts || mount -t ramfs none /run/agenix.d -o nodev,nosuid,mode=0751
        mkdir -p "/run/agenix.d/$generation"
        chmod 0751 /run/agenix.d "/run/agenix.d/$generation"
      '';
    };

    agenixInstall = {
      deps = [ "agenixNewGeneration" ];
      text = ''
        ${each lay}
        ln -sfT "/run/agenix.d/$generation" /run/agenix
        rm -rf "/run/agenix.d/$((generation - 1))"
      '';
    };
    users.deps = [ "agenixInstall" ];

    agenixChown = {
      deps = [
        "users"
        "groups"
      ];
      text = ''
        chown :keys /run/agenix.d "/run/agenix.d/$generation"
        ${each own}
      '';
    };
  };
}
