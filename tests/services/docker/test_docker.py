import json
from pathlib import Path

from mailnix import Domain, Internal, Proxy, Topology
from mailnix.plan import InternalPlan, ProxyPlan, derive
from mailnix.services.docker.debian import debian
from mailnix.services.docker.render import DAEMON, daemon_json, gateway

TOPOLOGY = Topology(
    hostname="mail.example.org",
    proxies=[Proxy("proxy", ipv4="203.0.113.10")],
    internal=Internal("internal", docker_subnet="172.30.9.0/24"),
    domains=[Domain("example.org")],
)


def test_docker_proxy_is_off_for_it_would_make_every_client_trusted() -> None:
    assert json.loads(daemon_json())["userland-proxy"] is False


def test_ipv6_ports_are_published_by_the_kernel_also_by_docker_26() -> None:
    settings = json.loads(daemon_json())
    assert (settings["ip6tables"], settings["experimental"]) == (True, True)


def test_containers_log_to_the_journal() -> None:
    assert DAEMON["log-driver"] == "journald"


def test_only_the_internal_host_gets_docker() -> None:
    plan = derive(TOPOLOGY)
    proxy, internal = plan.hosts
    assert isinstance(proxy, ProxyPlan)
    assert isinstance(internal, InternalPlan)
    assert debian(plan, proxy).packages == ()
    part = debian(plan, internal)
    assert {"docker.io", "docker-cli", "docker-compose"} <= set(part.packages)
    assert [Path(entry.path).name for entry in part.entries] == ["daemon.json"]
    assert [wanted.unit for wanted in part.packaged] == ["docker.service"]


def test_the_gateway_is_the_first_address_of_dockers_subnet() -> None:
    assert gateway(derive(TOPOLOGY).internal) == "172.30.9.1"
