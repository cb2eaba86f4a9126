# The options of services.mailcow.
{ lib, pkgs }:

let
  inherit (lib)
    importTOML
    literalExpression
    mkEnableOption
    mkOption
    types
    ;

  # Which Mailcow, the same as on Debian.
  pin = importTOML ../../mailnix/services/mailcow/pin.toml;

  yaml = pkgs.formats.yaml { };

  atom = types.oneOf [
    types.bool
    types.int
    types.str
  ];

  secret =
    name: what:
    mkOption {
      type = types.str;
      default = "mailcow.${name}";
      example = "/run/keys/mailcow-${name}";
      description = ''
        ${what}: an absolute path outside the Nix store, or the name of a file in {file}`/etc/credstore`.
      '';
    };

  lines =
    file:
    mkOption {
      type = types.lines;
      default = "";
      description = ''
        Text of {file}`${file}`.
      '';
    };
in
{
  enable = mkEnableOption "Mailcow, a mail server in containers";

  source = mkOption {
    type = types.package;
    default = pkgs.fetchFromGitHub {
      owner = "mailcow";
      repo = baseNameOf pin.url;
      inherit (pin) rev;
      hash = pin.nar_hash;
    };
    defaultText = literalExpression "pkgs.fetchFromGitHub { … } # mailcow-dockerized ${pin.tag}";
    description = ''
      Mailcow's tree, as a fixed-output derivation with `rev`. A new one is laid at the next start with everything kept
      that is not in the old one; the tree before stays in {file}`/var/lib/mailcow.previous`, so that going back to it is
      a matter of this option.
    '';
  };

  version = mkOption {
    type = types.str;
    default = pin.tag;
    description = ''
      What people call {option}`services.mailcow.source`: its tag.
    '';
  };

  hostname = mkOption {
    type = types.str;
    example = "mail.example.org";
    description = ''
      Mailcow's own name, with at least two dots. No mail domain may be equal to it.
    '';
  };

  bindAddress = mkOption {
    type = types.str;
    example = "10.83.119.2";
    description = ''
      The IPv4 address that SMTP, the ports of mail programs and the web are published on; everything else stays on loopback.
      Unless it is written out, Docker also publishes on IPv6 through its userland proxy, which hides every client.
      Of a tunnel's address, see {option}`services.mailcow.behindTunnel`.
    '';
  };

  behindTunnel = mkOption {
    type = types.bool;
    default = false;
    description = ''
      Whether clients reach {option}`services.mailcow.bindAddress` through a tunnel, with their own addresses. The kernel
      then lets programs bind addresses that are not there yet (`net.ipv4.ip_nonlocal_bind`, likewise for IPv6), for
      Docker does not try again when the tunnel is up, and the firewall takes packets whose answers would leave
      elsewhere ({option}`networking.firewall.checkReversePath` is `"loose"`).
    '';
  };

  configureDocker = mkOption {
    type = types.bool;
    default = false;
    description = ''
      Whether to set up Docker's daemon for Mailcow, and so for every container of this machine: without its userland
      proxy, which hides every client behind an address that may relay; with rules for IPv6; and without containers
      that outlive the daemon. Without this, {option}`virtualisation.docker.daemon.settings` is yours.
    '';
  };

  settings = mkOption {
    # Lazy, so that a variable may be made of another one.
    type = types.lazyAttrsOf atom;
    default = { };
    example = {
      SKIP_CLAMD = true;
      FTS_HEAP = 128;
    };
    description = ''
      Variables of {file}`mailcow.conf`; booleans become `y` and `n`. No secret belongs here: see
      {option}`services.mailcow.secrets`.
    '';
  };

  postfix.extraConfig = lines "data/conf/postfix/extra.cf";
  dovecot.extraConfig = lines "data/conf/dovecot/extra.conf";
  nginx.extraConfig = lines "data/conf/nginx/site.extra.custom";

  rspamd.overrides = mkOption {
    type = types.attrsOf types.lines;
    default = { };
    example = {
      "hfilter_group.conf" = "symbols { HFILTER_HOSTNAME_UNKNOWN { weight = 1; } }";
    };
    description = ''
      Files of {file}`data/conf/rspamd/override.d` by their names.
    '';
  };

  hooks = mkOption {
    type = types.attrsOf (types.attrsOf types.lines);
    default = { };
    example = literalExpression ''{ postfix."tune.sh" = builtins.readFile ./tune.sh; }'';
    description = ''
      Scripts that a container runs before it starts, by service and name: {file}`data/hooks/SERVICE/NAME`.
    '';
  };

  files = mkOption {
    type = types.attrsOf types.lines;
    default = { };
    example = {
      "data/conf/postfix/custom_postscreen_whitelist.cidr" = "10.83.119.1/32 permit";
    };
    description = ''
      Any other text file on top of Mailcow's tree, by its path in it.
    '';
  };

  composeOverride = mkOption {
    inherit (yaml) type;
    default = { };
    example = literalExpression ''
      { services.dovecot-mailcow.ports = [ "[fd00::2]:993:993" ]; }
    '';
    description = ''
      {file}`docker-compose.override.yml` as values: what several modules say is put together, lists one after the other.
    '';
  };

  secrets = {
    DBPASS = secret "dbpass" "Password of Mailcow's database user";
    DBROOT = secret "dbroot" "Password of the database's root";
    REDISPASS = secret "redispass" "Password of Redis";
    SOGO_URL_ENCRYPTION_KEY = secret "sogo-key" "SOGo's key of 16 characters";
    API_KEY = secret "api-key" "Key of the API, letters, digits and hyphens";
  };

  provision = {
    enable = mkEnableOption "making domains, mailboxes, aliases and DKIM keys through Mailcow's API";

    description = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = literalExpression "./provision.json";
      description = ''
        What Mailcow shall hold, as a JSON file that {command}`mailnix emit` wrote; instead of
        {option}`services.mailcow.provision.domains`.
      '';
    };

    domains = mkOption {
      type = types.attrsOf (types.submodule (import ./domain.nix { inherit lib; }));
      default = { };
      example = literalExpression ''
        {
          "example.org" = {
            mailboxes.alice = { };
            aliases.postmaster = [ "alice@example.org" ];
          };
        }
      '';
      description = ''
        Mail domains by name. What is described no more, a whole domain too, is switched off or, for aliases, removed; its
        mail is kept. What was made by hand stays as it is.
      '';
    };

    adminPasswordFile = secret "admin-password" "Password of Mailcow's admin";
    dkimFile = secret "dkim" "DKIM private keys, JSON: domain to { selector, private_key }";
    mailboxPasswordsFile = secret "mailboxes" "First passwords, JSON: address to password";
  };

  bans = {
    proxies = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "10.83.119.1" ];
      description = ''
        Addresses of proxies that are told, again and again, whom Mailcow has banned: its own firewall does not see the
        addresses of who comes to the web by way of a proxy. See {option}`mailnix.firewall.bans` for the other end.
      '';
    };

    port = mkOption {
      type = types.port;
      default = 2527;
      description = ''
        The TCP port of theirs.
      '';
    };
  };

  backup = {
    enable = mkEnableOption "regular backups";

    location = mkOption {
      type = types.str;
      default = "/var/backups/mailnix";
      description = ''
        Where backups go; keep it on another disk, or copy it away.
      '';
    };

    startAt = mkOption {
      type = types.str;
      default = "03:30";
      description = ''
        When: a time of day, or a calendar text as in {manpage}`systemd.time(7)`.
      '';
    };

    keepDays = mkOption {
      type = types.ints.positive;
      default = 7;
      description = ''
        Older backups than this many days are removed. Each is whole: seven days take seven times the space.
      '';
    };
  };
}
