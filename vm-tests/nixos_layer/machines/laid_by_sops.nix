# Lays secrets as sops-nix does (modules/sops, pkgs/sops-install-secrets): a ramfs on /run/secrets.d, a folder for each
# generation in it, /run/secrets a link to the newest, a secret with a path of its own a link there; by an activation
# script, or by a unit where users are made by one. What is not sops-nix's: secrets are in the Nix store.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;

  cfg = config.sops;
  secret =
    { name, config, ... }:
    {
      options = {
        source = mkOption { type = types.path; };
        path = mkOption {
          type = types.str;
          default = "/run/secrets/${name}";
        };
        mode = mkOption {
          type = types.str;
          default = "0400";
        };
        owner = mkOption {
          type = types.str;
          default = "root";
        };
        group = mkOption {
          type = types.str;
          default = "root";
        };
      };
    };

  lay = name: secret: ''
    install -d -m 0751 -g keys "$new/$(dirname ${name})"
    install -m ${secret.mode} -o ${secret.owner} -g ${secret.group} ${secret.source} "$new/${name}"
  '';
  link =
    name: secret:
    lib.optionalString (secret.path != "/run/secrets/${name}") ''
      mkdir -p "$(dirname ${secret.path})"
      ln -sfnT /run/secrets/${name} ${secret.path}
    '';
  each = step: lib.concatStrings (lib.mapAttrsToList step cfg.secrets);

  install = pkgs.writeShellScript "sops-install-secrets" ''
    set -eu
    export PATH=${
      lib.makeBinPath [
        pkgs.coreutils
        pkgs.util-linux
      ]
    }
    mkdir -p /run/secrets.d
    mountpoint -q /run/secrets.d || mount -t ramfs -o nodev,nosuid,mode=0751 none /run/secrets.d
    chgrp keys /run/secrets.d
    last=$(basename "$(readlink /run/secrets || echo 0)")
    new=/run/secrets.d/$((last + 1))
    install -d -m 0751 -g keys "$new"
    ${each lay}
    ln -sfT "$new" /run/secrets.new
    mv -T /run/secrets.new /run/secrets
    ${each link}
    rm -rf "/run/secrets.d/$last"
  '';
in
{
  options.sops = {
    secrets = mkOption {
      type = types.attrsOf (types.submodule secret);
      default = { };
    };
    useSystemdActivation = mkOption {
      type = types.bool;
      default = false;
    };
  };

  config = {
    system.activationScripts.setupSecrets = lib.mkIf (!cfg.useSystemdActivation) (
      lib.stringAfter [
        "specialfs"
        "users"
        "groups"
      ] "${install}"
    );

    systemd.services.sops-install-secrets = lib.mkIf cfg.useSystemdActivation {
      wantedBy = [ "sysinit.target" ];
      after = [
        "local-fs.target"
        "systemd-sysusers.service"
        "userborn.service"
      ];
      requiredBy = [ "sysinit-reactivation.target" ];
      before = [ "sysinit-reactivation.target" ];
      unitConfig.DefaultDependencies = "no";
      serviceConfig = {
        Type = "oneshot";
        ExecStart = install;
        RemainAfterExit = true;
      };
    };
  };
}
