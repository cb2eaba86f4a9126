# The options of one Haraka: what its configuration directory holds, and its queue.
{
  config,
  lib,
  pkgs,
}:

let
  inherit (config.services.haraka) package;
  certificates = config.security.acme.certs;
  inherit (lib)
    literalExpression
    mkEnableOption
    mkIf
    mkOption
    types
    ;

  ini = pkgs.formats.iniWithGlobalSection { };

  # What a file of the configuration directory may be given as.
  content = types.oneOf [
    types.lines
    types.path
    (types.listOf types.str)
  ];
in
{ config, name, ... }:

{
  options = {
    enable = mkEnableOption "this Haraka instance" // {
      default = true;
    };

    package = mkOption {
      type = types.package;
      default = package;
      defaultText = literalExpression "config.services.haraka.package";
      description = ''
        The Haraka that this instance runs.
      '';
    };

    plugins = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [
        "tls"
        "rcpt_to.in_host_list"
        "queue/smtp_proxy"
      ];
      description = ''
        The plugins to load, in order: Haraka's {file}`config/plugins`.
      '';
    };

    settings = mkOption {
      type = types.attrsOf ini.type;
      default = { };
      example = literalExpression ''
        {
          "smtp.ini".globalSection.listen = "[::0]:25";
          "connection.ini".sections.max.bytes = 104857600;
        }
      '';
      description = ''
        Haraka's INI files by their names; see <https://haraka.github.io/core/CoreConfig>.

        `connection.ini` comes with every section and key that Haraka cannot do without; `smtp.ini` must say where to listen.
      '';
    };

    files = mkOption {
      type = types.attrsOf content;
      default = { };
      example = literalExpression ''
        {
          me = "mx.example.org";
          host_list = [ "example.org" "example.net" ];
          "relay_dest_domains.ini" = ./relay_dest_domains.ini;
        }
      '';
      description = ''
        Other files of the configuration directory by their names: text, a list of lines, or a file. Each is the whole
        file, so its name is not in {option}`settings` too. No secret may be here: it is copied to the Nix store.
      '';
    };

    localPlugins = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = literalExpression "{ my_plugin = ./my_plugin.js; }";
      description = ''
        Plugins of your own: what {option}`plugins` calls them, and the file.
      '';
    };

    credentials = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        internalcmd_key = "/run/keys/haraka-internalcmd";
      };
      description = ''
        Files of the configuration directory that are secret, and where each comes from: an absolute path outside the
        Nix store, or the name of a credential that systemd finds in {file}`/etc/credstore` or
        {file}`/etc/credstore.encrypted` (see `LoadCredential=` in {manpage}`systemd.exec(5)`).

        `internalcmd_key` is required: without it, every local connection may manage the queue.
      '';
    };

    tls = {
      useACMEHost = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "mx.example.org";
        description = ''
          The certificate of {option}`security.acme.certs` to present; Haraka reads a renewed one without a restart.
        '';
      };

      certificate = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "/var/lib/acme/mx.example.org/fullchain.pem";
        description = ''
          The certificate that STARTTLS presents, with its chain. It is read again whenever the file changes, without a
          restart; until it exists, a self-signed one stands in. Where it is reached through a link that is replaced, as
          sops-nix's and agenix's are, restart the instance.
        '';
      };

      key = mkOption {
        type = types.nullOr types.str;
        default = null;
        example = "/var/lib/acme/mx.example.org/key.pem";
        description = ''
          The certificate's private key, outside the Nix store.
        '';
      };

      others = mkOption {
        type = types.attrsOf (
          types.submodule {
            options = {
              certificate = mkOption {
                type = types.str;
                example = "/var/lib/acme/old.example.org/fullchain.pem";
                description = ''
                  A certificate with its chain.
                '';
              };

              key = mkOption {
                type = types.str;
                example = "/var/lib/acme/old.example.org/key.pem";
                description = ''
                  Its private key, outside the Nix store.
                '';
              };
            };
          }
        );
        default = { };
        description = ''
          Certificates for further names, each kept in a folder of its name beside the first. Haraka itself presents
          none of them; mailnix's plugin `certificates` does, to who asks for a name in {file}`certificate_names`.
        '';
      };
    };

    queueDirectory = mkOption {
      type = types.str;
      default = "/var/lib/haraka-${name}/queue";
      defaultText = literalExpression ''"/var/lib/haraka-''${name}/queue"'';
      description = ''
        Where accepted mail waits. It is made where it does not exist, for the instance's user, once its file system is
        mounted. Keep it on a disk that survives a restart; no two instances may share it, nor may one be in another's.
        Only the instance can enter it, so it is no folder that others use, as {file}`/srv` or a home.
        Mail that waits in another directory stays there: stop the instance, move it, and switch.
      '';
    };

    openFirewall = mkEnableOption "the ports that `settings.\"smtp.ini\"` listens on, loopback aside, in NixOS's firewall";
  };

  config = {
    tls = mkIf (config.tls.useACMEHost != null) {
      certificate = "${certificates.${config.tls.useACMEHost}.directory}/fullchain.pem";
      key = "${certificates.${config.tls.useACMEHost}.directory}/key.pem";
    };

    # Haraka reads no defaults of its own for this file: without a section it hangs at the banner, without a key it
    # says "undefined" or knows no limit.
    settings = mkIf (!config.files ? "connection.ini") {
      "connection.ini".sections = lib.mapAttrs (_: lib.mapAttrs (_: lib.mkDefault)) {
        main = {
          postel = false;
          smtputf8 = true;
          strict_rfc1869 = false;
        };
        haproxy.enabled = false;
        headers = {
          add_received = true;
          clean_auth_results = true;
          max_lines = 1000;
          max_received = 100;
          show_version = false;
        };
        max = {
          bytes = 26214400;
          # Longer lines are folded, which breaks DKIM signatures: far above what RFC 5321 allows.
          data_line_length = 1048576;
          line_length = 512;
          mime_parts = 1000;
        };
        message = {
          close = "closing connection";
          helo = "welcome";
        };
        uuid = {
          banner_chars = 6;
          deny_chars = 0;
        };
      };
    };
  };
}
