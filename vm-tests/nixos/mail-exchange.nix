# The example's two machines, as emitted, between a simulated internet and a home network behind NAT. Mailcow's images
# cannot be pulled in a sandbox: a container with Postfix stands in for it, behind a bridge of the same name, with its
# ports published the way Docker publishes them.
{ pkgs, ... }:

let
  tests = pkgs.path + "/nixos/tests";
  keys = import (tests + "/wireguard/snakeoil-keys.nix");

  public = {
    world = "203.0.113.1";
    acme = "203.0.113.2";
    proxy = "203.0.113.10";
    client = "203.0.113.77";
  };
  home = {
    gateway = "192.168.77.1";
    internal = "192.168.77.2";
  };
  container = "172.22.1.253";

  credentials = wanted: {
    environment.etc = pkgs.lib.mapAttrs' (
      name: text: pkgs.lib.nameValuePair "credstore/${name}" { inherit text; }
    ) wanted;
  };

  # What is the test driver's, not the machine's: the disk, and the network card that the driver talks through.
  underTest =
    { lib, nodes, ... }:
    {
      mailnix.disk.enable = false;
      systemd.network.networks."20-uplink" = {
        matchConfig.Name = lib.mkForce "eth0";
        address = lib.mkForce [ ];
      };
      networking.nameservers = [ public.world ];
      security.pki.certificateFiles = [ nodes.acme.test-support.acme.caCert ];
      services.timesyncd.enable = false;
    };

  address = ip: {
    ipv4.addresses = pkgs.lib.mkForce [
      {
        address = ip;
        prefixLength = 24;
      }
    ];
  };
in
{
  name = "mail-exchange";

  nodes.proxy =
    { lib, nodes, ... }:
    {
      imports = [
        ../../hosts/proxy
        underTest
        (credentials {
          "haraka.internalcmd" = "0123456789";
          "network.wireguard.private.wg0" = keys.peer0.privateKey;
          "network.wireguard.public.wg0" = pkgs.lib.trim keys.peer1.publicKey;
          "network.wireguard.preshared.wg0" = keys.presharedKey;
        })
      ];
      virtualisation.vlans = [ 1 ];
      virtualisation.memorySize = 512;
      networking.interfaces.eth1 = address public.proxy;

      # The authority of the test, in the place of the real one.
      services.caddy.configFile = lib.mkForce (
        pkgs.writeText "Caddyfile" (
          builtins.replaceStrings
            [ "https://acme-v02.api.letsencrypt.org/directory" ]
            [ "https://${nodes.acme.test-support.acme.caDomain}/dir" ]
            (builtins.readFile ../../hosts/proxy/Caddyfile)
        )
      );
      networking.hosts.${public.acme} = [ nodes.acme.test-support.acme.caDomain ];
    };

  nodes.internal =
    { lib, ... }:
    {
      imports = [
        ../../hosts/internal
        underTest
        (credentials (
          {
            "network.wireguard.private.wg-proxy" = keys.peer1.privateKey;
            "network.wireguard.public.wg-proxy" = keys.peer0.publicKey;
            "network.wireguard.preshared.wg-proxy" = keys.presharedKey;
          }
          // lib.genAttrs [
            "mailcow.admin-password"
            "mailcow.api-key"
            "mailcow.dbpass"
            "mailcow.dbroot"
            "mailcow.dkim"
            "mailcow.mailboxes"
            "mailcow.redispass"
            "mailcow.sogo-key"
          ] (_: "0123456789")
        ))
      ];
      virtualisation.vlans = [ 2 ];
      networking.interfaces.eth1 = address home.internal;
      networking.defaultGateway = {
        address = home.gateway;
        interface = "eth1";
      };

      services.mailcow.enable = lib.mkForce false;
      systemd.services.mailcow.enable = lib.mkForce false;
      systemd.services.mailcow-provision.enable = lib.mkForce false;
      virtualisation.docker.enable = lib.mkForce false;

      networking.bridges.br-mailcow.interfaces = [ ];
      networking.interfaces.br-mailcow.ipv4.addresses = [
        {
          address = "172.22.1.1";
          prefixLength = 24;
        }
      ];
      # As Docker does with `userland-proxy: false`.
      networking.nftables.tables.docker = {
        family = "ip";
        content = ''
          chain prerouting {
            type nat hook prerouting priority dstnat; policy accept;
            ip daddr 10.0.0.2 tcp dport { 25, 465, 587, 993, 8080 } dnat to ${container}
          }
          chain postrouting {
            type nat hook postrouting priority srcnat; policy accept;
            ip saddr 172.22.1.0/24 oifname != "br-mailcow" masquerade
          }
        '';
      };

      containers.mailcow = {
        autoStart = true;
        privateNetwork = true;
        hostBridge = "br-mailcow";
        localAddress = "${container}/24";
        config = {
          system.stateVersion = "25.11";
          networking.firewall.enable = false;
          networking.defaultGateway = "172.22.1.1";
          services.postfix = {
            enable = true;
            settings.main = {
              myhostname = "mail.example.org";
              mydestination = [ "example.org" ];
              mynetworks = [ "127.0.0.0/8" ];
              relayhost = [ "[10.0.0.1]:2526" ];
              # Mailcow does so on port 25 alone, in master.cf.
              smtpd_authorized_xclient_hosts = "10.0.0.1";
              smtpd_recipient_restrictions = "permit_mynetworks, reject_unauth_destination";
              local_recipient_maps = "inline:{ alice=1, bob=1 }";
            };
            settings.master.submission = {
              type = "inet";
              private = false;
              command = "smtpd";
            };
          };
          services.nginx = {
            enable = true;
            virtualHosts.default = {
              default = true;
              listen = [
                {
                  addr = "0.0.0.0";
                  port = 8080;
                }
              ];
              locations."/".return = "200 'this stands in for Mailcow'";
            };
            # Ports that only have to be open here.
            streamConfig = ''
              server {
                listen 465;
                listen 993;
                return "";
              }
            '';
          };
          users.users.alice.isNormalUser = true;
        };
      };
    };

  nodes.world =
    { lib, ... }:
    {
      virtualisation.vlans = [
        1
        2
      ];
      networking = {
        firewall.enable = false;
        useDHCP = false;
        interfaces.eth1.ipv4.addresses = lib.mkForce (
          map
            (ip: {
              address = ip;
              prefixLength = 24;
            })
            [
              public.world
              public.client
            ]
        );
        interfaces.eth2 = address home.gateway;
        nat = {
          enable = true;
          externalInterface = "eth1";
          internalInterfaces = [ "eth2" ];
        };
      };

      services.dnsmasq = {
        enable = true;
        settings = {
          no-resolv = true;
          address = [
            "/example.org/${public.proxy}"
            "/example.net/${public.proxy}"
            "/elsewhere.test/${public.world}"
          ];
          mx-host = [
            "example.org,mail.example.org,10"
            "elsewhere.test,mx.elsewhere.test,10"
          ];
        };
      };

      services.postfix = {
        enable = true;
        settings.main = {
          myhostname = "mx.elsewhere.test";
          mydestination = [ "elsewhere.test" ];
          inet_interfaces = "all";
        };
      };
      users.users.carol.isNormalUser = true;
      environment.systemPackages = [
        pkgs.curl
        pkgs.nmap
        pkgs.swaks
      ];
    };

  nodes.acme =
    { ... }:
    {
      imports = [ (tests + "/common/acme/server") ];
      virtualisation.vlans = [ 1 ];
      networking.interfaces.eth1 = address public.acme;
      networking.nameservers = pkgs.lib.mkForce [ public.world ];
    };

  # What the plan states, the script reads: the same code as the lab's scenario.
  extraPythonPackages = python: [
    (python.toPythonModule (
      pkgs.callPackage ../../modules/mailnix/package.nix {
        python3Packages = python;
        withLab = true;
      }
    ))
  ];
  skipTypeCheck = true; # mailnix is typed for itself, not for others

  testScript = builtins.replaceStrings [ "@example@" ] [ "${../../docs/examples/two_machines.py}" ] (
    builtins.readFile ./mail-exchange.py
  );
}
