# services.mailcow by itself, with NixOS's firewall as nftables: secrets are agenix's, some by their path, some by the
# name that they have in /etc/credstore. Beside it a container of the machine's owner.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  secret = text: { source = pkgs.writeText "secret" text; };
  stored = name: text: secret text // { path = "/etc/credstore/mailcow.${name}"; };
  copied = name: text: stored name text // { symlink = false; };
  address = "192.0.2.1";
  dkim =
    pkgs.runCommand "dkim.json"
      {
        nativeBuildInputs = [
          pkgs.openssl
          pkgs.jq
        ];
      }
      ''
        openssl genrsa -traditional 2048 >key
        jq --null-input --rawfile key key '{ "example.org": { selector: "dkim", private_key: $key } }' >"$out"
      '';
in
{
  imports = [
    ../../../modules/mailcow
    ./laid_by_agenix.nix
    ./watched.nix
  ];

  networking = {
    hostName = "post";
    # As of `relay`.
    useDHCP = false;
    interfaces.eth0.ipv4.addresses = [
      {
        inherit address;
        prefixLength = 24;
      }
    ];
    nftables.enable = true;
  };

  # By its driver: which slot it is in, and so what udev would call it, is QEMU's; the layer's machines have no kernel
  # parameters, by which one could do without such names.
  systemd.network.links."10-eth0" = {
    matchConfig.Driver = "virtio_net";
    linkConfig.Name = "eth0";
  };

  age.secrets = {
    mailcow-dbpass = secret "adatabasepassword\n";
    mailcow-dbroot = stored "dbroot" "anotherdatabasepassword";
    mailcow-redispass = copied "redispass" "aredispassword";
    mailcow-sogo-key = stored "sogo-key" "0123456789abcdef\n";
    mailcow-api-key = secret "AAAAAA-BBBBBB-CCCCCC-DDDDDD\n";
    mailcow-admin = secret "an-admin-password\n";
    mailcow-mailboxes = secret (builtins.toJSON { "alice@example.org" = "her-first-password"; });
    mailcow-dkim = stored "dkim" "" // {
      source = dkim;
    };
  };

  services.mailcow = {
    enable = true;
    hostname = "mail.example.org";
    bindAddress = address;
    configureDocker = true;
    settings = {
      HTTP_PORT = 80;
      HTTPS_PORT = 443;
      SKIP_CLAMD = true;
      SKIP_LETS_ENCRYPT = true;
    };
    secrets = {
      DBPASS = config.age.secrets.mailcow-dbpass.path;
      API_KEY = config.age.secrets.mailcow-api-key.path;
    };
    provision = {
      enable = true;
      adminPasswordFile = config.age.secrets.mailcow-admin.path;
      mailboxPasswordsFile = config.age.secrets.mailcow-mailboxes.path;
      domains."example.org" = {
        mailboxes.alice = { };
        aliases.postmaster = [ "alice@example.org" ];
      };
    };
    backup.enable = true;
  };
}
