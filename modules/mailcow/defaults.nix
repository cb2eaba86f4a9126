# Variables of mailcow.conf that Mailcow's own generate_config.sh would ask for or write.
{
  cfg,
  config,
  lib,
}:

let
  inherit (lib) importTOML mapAttrs mapAttrs';

  onAddress = port: "${cfg.bindAddress}:${toString port}";
  onLoopback = port: "127.0.0.1:${toString port}";

  # The same files that mailnix's Python reads.
  settings = importTOML ../../mailnix/services/mailcow/settings.toml;
  # The ports of mail programs, and which of them are offered.
  clients = importTOML ../../mailnix/model/client_ports.toml;
  publish = name: client: {
    name = client.variable;
    value = (if lib.elem name clients.offered then onAddress else onLoopback) client.port;
  };
in
# Below what `mkDefault` says, as emitted machines do.
mapAttrs (_: lib.mkOptionDefault) (
  settings.values
  // mapAttrs (_: onAddress) settings.ports_on_address
  // mapAttrs (_: onLoopback) settings.ports_on_loopback
  // mapAttrs' publish clients.ports
  // {
    MAILCOW_HOSTNAME = cfg.hostname;
    TZ = if config.time.timeZone == null then "Etc/UTC" else config.time.timeZone;
    HTTP_BIND = cfg.bindAddress;
    HTTPS_BIND = cfg.bindAddress;

    IPV4_NETWORK = "172.22.1";
    IPV6_NETWORK = "fd4d:6169:6c63:6f77::/64";
    # Docker hides IPv6 clients unless it is set up end to end.
    ENABLE_IPV6 = "false";
    # The host itself, as containers see it.
    API_ALLOW_FROM = "${toString cfg.settings.IPV4_NETWORK}.1,127.0.0.1";
  }
)
