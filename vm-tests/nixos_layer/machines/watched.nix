# What the tests want of every machine.
{ pkgs, ... }:
{
  services.qemuGuest.enable = true;
  environment.systemPackages = [
    pkgs.curl
    pkgs.iproute2
    pkgs.openssl
    pkgs.python3
  ];
  system.stateVersion = "25.11";
}
