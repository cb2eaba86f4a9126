# services.haraka by itself: `mx` takes mail of its domain with a certificate of security.acme, `submission` lets
# people with a password send, with a certificate and secrets that sops-nix laid. Beside them a web server of the
# machine's owner, who is the ACME authority, too.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  keys = import ./keys.nix { inherit pkgs; } [
    "submit.example.org"
    "renewed.submit.example.org"
  ];
  inherit (config.sops) secrets;
in
{
  imports = [
    ../../../modules/haraka
    ./laid_by_sops.nix
    ./sink.nix
    ./watched.nix
  ];

  networking.hostName = "relay";
  # A server has an address of its own; and Debian's dhcpcd, which drops its privileges, may not do so in NixOS's unit.
  networking.useDHCP = false;
  networking.hosts."127.0.0.1" = [
    "authority.example.net"
    "mx.example.org"
    "www.example.org"
  ];

  sops.secrets = {
    "haraka/internalcmd".source = pkgs.writeText "secret" "not-a-secret-at-all";
    "haraka/users".source = pkgs.writeText "users" "[core]\nmethods=PLAIN\n[users]\nalice=her-password\n";
    "haraka/key" = {
      source = "${keys}/submit.example.org.key";
      owner = "haraka-submission";
      group = "haraka-submission";
    };
    "haraka/certificate".source = "${keys}/submit.example.org.crt";
  };

  services.haraka.instances = {
    mx = {
      plugins = [
        "tls"
        "rcpt_to.in_host_list"
        "queue/smtp_forward"
      ];
      settings = {
        "smtp.ini".globalSection.listen = "[::0]:25";
        "smtp_forward.ini".globalSection = {
          host = "127.0.0.1";
          port = 2525;
        };
      };
      files = {
        me = "mx.example.org";
        host_list = [ "example.org" ];
      };
      credentials.internalcmd_key = secrets."haraka/internalcmd".path;
      tls.useACMEHost = "mx.example.org";
      openFirewall = true;
    };

    submission = {
      plugins = [
        "tls"
        "auth/flat_file"
        "to_the_sink"
      ];
      settings."smtp.ini".globalSection.listen = "0.0.0.0:587";
      files.me = "submit.example.org";
      # Where an MX record would lead.
      localPlugins.to_the_sink = pkgs.writeText "to_the_sink.js" ''
        exports.hook_get_mx = (next) => next(OK, [{ priority: 0, exchange: '127.0.0.1', port: 2525 }])
      '';
      credentials = {
        internalcmd_key = secrets."haraka/internalcmd".path;
        "auth_flat_file.ini" = secrets."haraka/users".path;
      };
      tls = {
        certificate = secrets."haraka/certificate".path;
        key = secrets."haraka/key".path;
      };
      queueDirectory = "/srv/mail/queue";
      openFirewall = true;
    };
  };

  security.acme = {
    acceptTerms = true;
    defaults = {
      email = "postmaster@example.org";
      server = "https://authority.example.net/acme/local/directory";
      webroot = "/var/lib/acme/acme-challenge";
    };
    certs."mx.example.org" = { };
  };
  systemd.services."acme-order-renew-mx.example.org".environment.LEGO_CA_CERTIFICATES = "${keys}/ca.crt";

  networking.firewall.allowedTCPPorts = [ 80 ];
  services.caddy = {
    enable = true;
    globalConfig = ''
      pki {
        ca local {
          root {
            cert ${keys}/ca.crt
            key ${keys}/ca.key
          }
        }
      }
    '';
    virtualHosts = {
      "http://www.example.org".extraConfig = ''respond "mine"'';
      "http://mx.example.org".extraConfig = ''
        root * /var/lib/acme/acme-challenge
        file_server
      '';
      "authority.example.net".extraConfig = ''
        tls internal
        acme_server
      '';
    };
  };
  users.users.caddy.extraGroups = [ "acme" ];
  # What comes after it is the test's business.
  environment.etc."test/renewed".source = keys;
}
