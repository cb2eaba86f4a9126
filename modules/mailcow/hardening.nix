# The provisioner speaks HTTP to one address and reads four files.
import ../hardening.nix
// {
  AmbientCapabilities = "";
  CapabilityBoundingSet = "";
  DynamicUser = true;
  MemoryDenyWriteExecute = true;
  PrivateUsers = true;
  RestrictAddressFamilies = [
    "AF_INET"
    "AF_INET6"
  ];
  SystemCallFilter = [
    "@system-service"
    "~@privileged @resources"
  ];
}
