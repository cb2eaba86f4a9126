# The example's proxy as it is emitted, on a machine that its owner uses for more: sites of their own, opened ports,
# an nftables table, a container; credentials are sops-nix's, laid by a unit.
{
  config,
  lib,
  pkgs,
  ...
}:

{
  imports = [
    (import ../../../modules).default
    ../../../hosts/proxy
    ./laid_by_sops.nix
    ./watched.nix
  ];

  mailnix.disk.enable = false;

  sops.useSystemdActivation = true;
  sops.secrets = lib.genAttrs config.mailnix.credentials.names (
    name:
    {
      source = pkgs.writeText "secret" (
        if lib.hasInfix "wireguard" name then
          "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        else
          "not-a-secret"
      );
      path = "/etc/credstore/${name}";
    }
    // lib.optionalAttrs (lib.hasInfix "wireguard" name) {
      owner = "systemd-network";
      group = "systemd-network";
    }
  );

  services.caddy.virtualHosts = {
    "http://blog.example.net".extraConfig = ''respond "the blog"'';
    "shop.example.net".extraConfig = ''
      tls internal
      respond "the shop"
    '';
  };

  # A program of the owner's, on a port that they open.
  networking.firewall.allowedTCPPorts = [ 8443 ];
  systemd.services.own = {
    wantedBy = [ "multi-user.target" ];
    serviceConfig = {
      ExecStart = "${lib.getExe pkgs.python3} -m http.server 8443 --directory /srv";
      DynamicUser = true;
    };
  };
  systemd.tmpfiles.settings.own."/srv".d.mode = "0755";
  # One that nothing opens.
  systemd.services.closed = {
    wantedBy = [ "multi-user.target" ];
    serviceConfig = {
      ExecStart = "${lib.getExe pkgs.python3} -m http.server 8444 --directory /srv";
      DynamicUser = true;
    };
  };

  networking.nftables.tables.own = {
    family = "inet";
    content = ''
      chain count {
        type filter hook input priority -200; policy accept;
        tcp dport 8443 counter comment "own"
      }
    '';
  };

  virtualisation.oci-containers = {
    backend = "docker";
    containers.web = {
      image = "own:latest";
      imageFile = import ./image.nix { inherit pkgs; } "own";
      volumes = [ "/usr:/usr:ro" ];
      ports = [ "8090:8000" ];
      cmd = [
        "/usr/bin/python3"
        "-m"
        "http.server"
        "8000"
        "--directory"
        "/etc"
      ];
    };
  };
  networking.firewall.extraForwardRules = ''
    iifname "docker0" accept
    oifname "docker0" ct status dnat accept
  '';
}
