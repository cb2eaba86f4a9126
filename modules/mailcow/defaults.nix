# Variables of mailcow.conf that Mailcow's own generate_config.sh would ask for or write.
{
  cfg,
  config,
  lib,
}:

let
  onAddress = port: "${cfg.bindAddress}:${toString port}";
  onLoopback = port: "127.0.0.1:${toString port}";

  # The ports of mail programs, and which of them are offered: the same file that mailnix's Python reads.
  clients = lib.importTOML ../../mailnix/model/client_ports.toml;
  publish = name: client: {
    name = client.variable;
    value = (if lib.elem name clients.offered then onAddress else onLoopback) client.port;
  };
in
lib.mapAttrs (_: lib.mkDefault) (
  lib.mapAttrs' publish clients.ports
  // {
    MAILCOW_HOSTNAME = cfg.hostname;
    MAILCOW_PASS_SCHEME = "BLF-CRYPT";
    TZ = if config.time.timeZone == null then "Etc/UTC" else config.time.timeZone;
    COMPOSE_PROJECT_NAME = "mailcowdockerized";
    DOCKER_COMPOSE_VERSION = "native";
    DBNAME = "mailcow";
    DBUSER = "mailcow";

    SMTP_PORT = onAddress 25;
    DOVEADM_PORT = onLoopback 19991;
    SQL_PORT = onLoopback 13306;
    REDIS_PORT = onLoopback 7654;
    HTTP_BIND = cfg.bindAddress;
    HTTP_PORT = 8080;
    HTTPS_BIND = cfg.bindAddress;
    HTTPS_PORT = 8443;
    HTTP_REDIRECT = false;

    ACL_ANYONE = "disallow";
    MAILDIR_SUB = "Maildir";
    MAILDIR_GC_TIME = 7200;
    LOG_LINES = 9999;
    USE_WATCHDOG = true;

    IPV4_NETWORK = "172.22.1";
    IPV6_NETWORK = "fd4d:6169:6c63:6f77::/64";
    # Docker hides IPv6 clients unless it is set up end to end.
    ENABLE_IPV6 = "false";
    # The host itself, as containers see it.
    API_ALLOW_FROM = "${toString cfg.settings.IPV4_NETWORK}.1,127.0.0.1";
  }
)
