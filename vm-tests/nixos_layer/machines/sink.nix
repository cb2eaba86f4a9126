# A mail server outside, on loopback: 2525. What it took is in /var/lib/sink.
{ lib, pkgs, ... }:
{
  systemd.services.sink = {
    wantedBy = [ "multi-user.target" ];
    serviceConfig = {
      ExecStart = "${lib.getExe pkgs.python3} ${./sink.py} 127.0.0.1 2525 /var/lib/sink";
      DynamicUser = true;
      StateDirectory = "sink";
    };
  };
}
