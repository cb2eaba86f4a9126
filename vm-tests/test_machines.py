"""Each machine by itself: its services, sockets, files. These run before the scenario breaks things."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mailnix.lab.scenario import Scene
from mailnix.plan import Plan, ProxyPlan, Reach, Transport
from mailnix.services.unbound.render import ADDRESS

SAFE = 4.0
"""What `systemd-analyze security` calls OK, at most."""


def test_haraka_caddy_and_a_resolver_run_on_every_proxy(proxies: Any) -> None:
    for host in proxies.values():
        for name in ("haraka-in", "haraka-out", "caddy", "unbound"):
            assert host.service(name).is_running, name


def test_the_resolver_is_for_the_proxy_alone(proxies: Any) -> None:
    for host in proxies.values():
        ends = _ends(host.run("ss -Hlnu sport = :53").stdout)
        assert ADDRESS in ends
        assert all(end.startswith("127.") for end in ends)


def test_mailcow_is_provisioned(internal: Any) -> None:
    assert internal.service("mailcow").is_running
    assert internal.run("systemctl show -P Result mailcow-provision").stdout.strip() == "success"


def test_every_planned_socket_of_a_proxy_listens(plan: Plan, proxies: Any) -> None:
    for proxy in plan.proxies:
        for entry in proxy.listeners:
            listening = proxies[proxy.name].run(f"ss -Hln{entry.transport[0]} sport = :{entry.port}").stdout
            assert listening.strip(), f"{entry.service} on {entry.transport} {entry.port}"


def test_what_is_for_the_tunnel_listens_on_its_address_only(plan: Plan, proxies: Any) -> None:
    for proxy in plan.proxies:
        for entry in proxy.listeners:
            if entry.reach is Reach.TUNNEL:
                ends = _ends(proxies[proxy.name].run(f"ss -Hlnt sport = :{entry.port}").stdout)
                assert ends == {str(address) for address in entry.addresses}


def test_nothing_listens_on_a_proxy_that_the_plan_has_not(plan: Plan, proxies: Any) -> None:
    for proxy in plan.proxies:
        planned = {entry.port for entry in proxy.listeners if entry.transport is Transport.TCP}
        assert _public_ports(proxies[proxy.name].run("ss -Hlnt").stdout) <= planned


def test_the_tunnel_has_shaken_hands(plan: Plan, hosts: Any) -> None:
    for link in plan.tunnels:
        for end, other in ((link.proxy, link.internal), (link.internal, link.proxy)):
            host = hosts[end.host]
            host.run_test("ping -c 1 -W 10 %s", str(other.ipv4))
            assert str(link.mtu) in host.check_output(f"cat /sys/class/net/{end.interface}/mtu")


@pytest.mark.parametrize(
    ("role", "unit"),
    [("proxy", "haraka-in"), ("proxy", "haraka-out"), ("proxy", "unbound"), ("internal", "mailcow-provision")],
)
def test_units_are_hardened(request: pytest.FixtureRequest, role: str, unit: str) -> None:
    host = request.getfixturevalue(role)
    report = host.check_output(f"systemd-analyze security --no-pager {unit}.service")
    exposure = float(report.strip().splitlines()[-1].split(": ")[-1].split()[0])
    assert exposure <= SAFE, report


def test_credentials_are_for_root_alone(plan: Plan, hosts: Any) -> None:
    for machine in plan.hosts:
        host = hosts[machine.name]
        assert host.file("/etc/credstore").mode == 0o700
        # One command for all of them: each takes a second in emulation.
        listed = host.check_output("stat -c '%n %a %U' /etc/credstore/*; find /etc/credstore -empty").splitlines()
        assert sorted(listed) == sorted(f"/etc/credstore/{c.name} 600 root" for c in machine.credentials)


def test_a_proxy_has_no_credential_of_another_machine(plan: Plan, proxies: Any) -> None:
    for proxy in plan.proxies:
        stored = set(proxies[proxy.name].check_output("ls /etc/credstore").split())
        assert stored == {credential.name for credential in proxy.credentials}


@pytest.fixture(scope="module")
def postfix(scene: Scene) -> tuple[str, ...]:
    """Who may send XCLIENT on port 25, who elsewhere, and whom Postfix trusts; entering a container is slow."""
    container = "$(docker ps -qf label=com.docker.compose.service=postfix-mailcow)"
    asked = ("-Ph smtpd/pass/smtpd_authorized_xclient_hosts", "-h smtpd_authorized_xclient_hosts", "-xh mynetworks")
    each = "; ".join(f'echo "$(postconf -c /opt/postfix/conf {question})"' for question in asked)
    return tuple(scene.internal.succeed(f"docker exec {container} sh -c '{each}'", timeout=180).splitlines())


def test_mailcow_gives_xclient_to_the_proxies_on_port_25_alone(plan: Plan, postfix: tuple[str, ...]) -> None:
    on_smtp, elsewhere, _trusted = postfix
    assert set(on_smtp.split(",")) == {str(link.proxy.ipv4) for link in plan.tunnels}
    assert elsewhere == ""


def test_the_tunnel_is_no_network_of_mailcows(plan: Plan, postfix: tuple[str, ...]) -> None:
    _on_smtp, _elsewhere, trusted = postfix
    assert str(plan.internal.docker_subnet) in trusted
    assert not any(str(link.proxy.ipv4).rsplit(".", 1)[0] in trusted for link in plan.tunnels)


def test_docker_has_no_userland_proxy(internal: Any) -> None:
    assert internal.run("pgrep docker-proxy").rc == 1
    assert json.loads(internal.file("/etc/docker/daemon.json").content_string)["userland-proxy"] is False


def test_every_proxy_says_its_own_name(plan: Plan, scene: Scene) -> None:
    for proxy in plan.proxies:
        answer = scene.probe("smtp", scene.layout.client.ipv4, host=proxy.ipv4, port=_smtp(proxy), line=["QUIT"])
        assert proxy.hostname in answer["replies"][0]["text"]


def _smtp(proxy: ProxyPlan) -> int:
    return next(entry.port for entry in proxy.listeners if entry.service == "haraka-in")


def _ends(sockets: str) -> set[str]:
    return {line.split()[3].rpartition(":")[0] for line in sockets.splitlines()}


def _public_ports(sockets: str) -> set[int]:
    return set(_ports_beyond_loopback(sockets))


def _ports_beyond_loopback(sockets: str) -> Iterator[int]:
    for line in sockets.splitlines():
        address, _, port = line.split()[3].rpartition(":")
        if not address.startswith(("127.", "[::1]", "[::ffff:127.")):
            yield int(port)
