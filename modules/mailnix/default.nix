# mailnix.*: what the machines that mailnix emits share.
{
  imports = [
    ./base.nix
    ./credentials.nix
    ./disk.nix
    ./firewall.nix
    ./uplink.nix
  ];
}
