# The example's machines as emitted, with their firewall, tunnel, Haraka, and Docker with the fake Mailcow, between the
# lab's internet and a home network behind NAT: the lab's scenario, on NixOS's test driver.
{ lib, pkgs, ... }:

let
  example = ../../docs/examples/two_machines.py;
  keys = import ./exchange/keys.nix {
    inherit pkgs;
    plan = example;
  };
  fakeMailcow = import ./exchange/fake-mailcow.nix { inherit lib pkgs; };

  # Cards of the driver in the place of the lab's: a VLAN for each link.
  common = import (pkgs.path + "/nixos/lib/qemu-common.nix") {
    inherit lib;
    inherit (pkgs) stdenv;
  };
  cards = (lib.importJSON ./exchange/internet/facts.json).cards;
  links = lib.unique (map (card: card.link) cards);
  vlan = link: 1 + lib.lists.findFirstIndex (other: other == link) null links;
  macs =
    nodes:
    map (card: {
      lab = card.mac;
      driver = lib.toLower (
        common.qemuNicMac (vlan card.link) nodes.${card.machine}.virtualisation.test.nodeNumber
      );
    }) cards;
  plugged = link: {
    vlan = vlan link;
    # Addresses come as they would anywhere: from the machine's own settings, and from the internet's DHCP.
    assignIP = false;
  };

  drive = file: {
    inherit file;
    driveExtraOpts = {
      format = "raw";
      readonly = "on";
    };
  };

  # What is the test driver's, not the machine's.
  driven =
    { config, ... }:
    {
      mailnix.disk.enable = false;
      networking.extraHosts = lib.mkForce "";
      # The driver's machines have their host's clock; this one asks a server, as it would anywhere.
      services.timesyncd.enable = lib.mkForce true;
      virtualisation = {
        vlans = [ ];
        interfaces.eth1 = plugged config.networking.hostName;
        # Nothing but the link to the internet.
        qemu.networkingOptions = lib.mkForce [ ];
        qemu.drives = [ (drive "${keys}/${config.networking.hostName}-seed.img") ];
      };
      # Asked by the scenario; Debian has it anyway.
      environment.systemPackages = [ pkgs.openssl ];
    };
in
{
  name = "mail-exchange";

  nodes.proxy = {
    imports = [
      ../../hosts/proxy
      driven
    ];
    virtualisation.memorySize = 512;
  };

  nodes.internal = {
    imports = [
      ../../hosts/internal
      driven
    ];
    virtualisation = {
      cores = 2;
      diskSize = 4096;
      memorySize = 2048;
      qemu.drives = [ (drive "${fakeMailcow.disk}") ];
    };

    services.mailcow = {
      source = fakeMailcow.tree;
      version = "the fake Mailcow";
    };
    # Containers see the machine's bundle of authorities, which is in the store.
    security.pki.certificateFiles = [ "${keys}/ca.pem" ];
  };

  nodes.internet =
    { nodes, ... }:
    {
      imports = [
        (import ./exchange/internet.nix {
          inherit keys;
          macs = macs nodes;
          root = ./exchange;
        })
      ];
      virtualisation = {
        vlans = [ ];
        interfaces = lib.listToAttrs (map (link: lib.nameValuePair "to-${link}" (plugged link)) links);
        qemu.networkingOptions = lib.mkForce [ ];
      };
    };

  extraPythonPackages = python: [ (import ./exchange/python.nix pkgs python.python) ];
  skipTypeCheck = true; # mailnix is typed for itself, not for others

  testScript =
    builtins.replaceStrings
      [
        "@example@"
        "@keys@"
      ]
      [
        "${example}"
        "${keys}"
      ]
      (builtins.readFile ./mail-exchange.py);
}
