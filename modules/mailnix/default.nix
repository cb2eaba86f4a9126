# mailnix.*: what the machines that mailnix emits share.
{
  imports = [
    ./base.nix
    ./credentials.nix
    ./dane.nix
    ./disk.nix
    ./firewall.nix
    ./tunnel.nix
    ./uplink.nix
  ];
}
