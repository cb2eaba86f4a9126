"""One more client port, given as a value: everything that must know it does, with no other edit."""

from __future__ import annotations

import ast
import json
import re
from ipaddress import ip_address
from pathlib import Path

import pytest
from attrs import evolve

from mailnix import Backup, Internal, Tunnel
from mailnix.cli.output import plain
from mailnix.cli.tables import plan_text
from mailnix.debian.host import debian_host
from mailnix.lab.internet.layout import layout
from mailnix.lab.scenario.isolation import expected_tcp, may_reach
from mailnix.model.check import problems
from mailnix.model.clientport import DEFAULT, KNOWN, OFFERED, ClientPort, client_port
from mailnix.nixos.carried import Reference
from mailnix.nixos.flake import emit
from mailnix.plan import Plan, PublicKeys, Reach, derive, with_keys
from mailnix.services.firewall.render import table
from mailnix.services.mailcow import render
from mailnix.tree import File
from mailnix.zones.zone import zone_text
from tests.descriptions import sound
from tests.nixos.test_emission import definitions

REPOSITORY = Path(__file__).resolve().parents[1]
IMAPS = client_port("imaps")
MORE = (
    *(client for client in KNOWN if client not in OFFERED),
    ClientPort("jmap", 4443, "JMAP", "jmap", "dovecot-mailcow", "JMAP_PORT"),  # one that nobody has heard of
)


@pytest.fixture(params=MORE, ids=lambda client: client.name)
def more(request: pytest.FixtureRequest) -> ClientPort:
    found: ClientPort = request.param
    return found


@pytest.fixture
def plan(more: ClientPort) -> Plan:
    return derive(sound(), clients=(*OFFERED, more))


def numbers(text: str, client: ClientPort) -> int:
    """How often a text has the number of a port."""
    return len(re.findall(rf"(?<![\d.]){client.port}(?![\d.])", text))


def test_every_text_of_a_machine_that_has_the_port_of_imap_has_the_new_one(plan: Plan, more: ClientPort) -> None:
    knowing = set()
    for host in plan.hosts:
        for entry in debian_host(plan, host).tree:
            text = entry.data.decode() if isinstance(entry, File) else ""
            if numbers(text, IMAPS) and (more.announced or not entry.path.endswith("/Caddyfile")):
                knowing.add(entry.path.rpartition("/")[2])
                assert numbers(text, more) == numbers(text, IMAPS), entry.path
    everywhere = {"firewall.nft", "mailcow.conf", "docker-compose.override.yml"}
    assert knowing == (everywhere | {"Caddyfile"} if more.announced else everywhere)


def test_every_text_of_nixos_machines_too(plan: Plan, more: ClientPort) -> None:
    for file in emit(plan, Reference("github:someone/mailnix")).files:
        if more.announced or not file.path.endswith("/Caddyfile"):
            assert numbers(file.data.decode(), more) >= numbers(file.data.decode(), IMAPS), file.path


def test_proxies_hand_it_on_and_home_listens(plan: Plan, more: ClientPort) -> None:
    for proxy in plan.proxies:
        assert (more.name, more.port) in {(forward.service, forward.port) for forward in proxy.forwards}
    assert (more.name, more.port) in {(listener.service, listener.port) for listener in plan.internal.listeners}
    assert f":{more.port}/tcp" in plan_text(plan)


def test_both_firewalls_let_it_through(plan: Plan, more: ClientPort) -> None:
    ports = f"{{ {', '.join(str(client.port) for client in (*OFFERED, more))} }}"
    rules = table(plan.proxies[0])
    assert len(re.findall(rf"tcp dport {ports} ct status dnat counter accept", rules)) == 2
    assert len(re.findall(rf"tcp dport {ports} counter dnat ip6? to ", rules)) == 2
    assert f"tcp dport {ports} ct status dnat counter accept" in table(plan.internal)


def test_mail_programs_find_it_in_dns_also_when_keys_are_known(plan: Plan, more: ClientPort) -> None:
    for found in (plan, with_keys(plan, PublicKeys({"example.org": "KEY"}))):
        zone = zone_text(found.records)
        assert f"_{more.srv}._tcp.example.org. IN SRV 0 1 {more.port} mail.example.org.\n" in zone
        assert zone.count(f"_{more.srv}._tcp") == 1


def test_mailcow_publishes_it_on_the_tunnel_over_both_protocols(plan: Plan, more: ClientPort) -> None:
    assert render.conf(plan)[more.variable] == f"{plan.internal.ipv4}:{more.port}"
    override = render.compose_override(plan).split(f"  {more.container}:\n")[1]
    assert f'- "[{plan.internal.ipv6}]:{more.port}:{more.port}"\n' in override


def test_nixos_is_told_what_its_module_would_set_otherwise(plan: Plan, more: ClientPort) -> None:
    told = dict(definitions(plan.internal, plan))
    assert told[f"services.mailcow.settings.{more.variable}"] == f"{plan.internal.ipv4}:{more.port}"
    assert "services.mailcow.settings.IMAPS_PORT" not in told


def test_the_tunnel_may_have_its_number_for_udp_ports_are_others(more: ClientPort) -> None:
    topology = sound(tunnel=Tunnel(port=more.port))
    assert problems(topology) == ()
    rules = table(derive(topology, clients=(*OFFERED, more)).proxies[0])
    assert f"udp dport {more.port} counter accept" in rules
    assert f"udp dport {more.port}" not in table(derive(sound(), clients=(*OFFERED, more)).proxies[0])


def test_the_lab_expects_it_open(plan: Plan, more: ClientPort) -> None:
    stranger = layout(plan).attacker
    assert more.port in expected_tcp(plan.proxies[0], stranger.ipv4)


def test_the_plan_as_json_has_it(plan: Plan, more: ClientPort) -> None:
    assert more.variable in json.dumps(plain(plan))


@pytest.mark.parametrize("less", OFFERED, ids=lambda client: client.name)
def test_a_port_less_is_nowhere_open_and_dns_says_so(less: ClientPort) -> None:
    plan = derive(sound(), clients=[client for client in OFFERED if client != less])
    assert less.port not in {forward.port for forward in plan.proxies[0].forwards}
    assert not any(numbers(table(host), less) for host in plan.hosts)
    assert render.conf(plan)[less.variable] == f"127.0.0.1:{less.port}"
    assert f":{less.port}:" not in render.compose_override(plan)
    assert dict(definitions(plan.internal, plan))[f"services.mailcow.settings.{less.variable}"].startswith("127.0.0.1:")
    denial = f"_{less.srv}._tcp.example.org. IN SRV 0 0 0 .\n"
    assert (denial in zone_text(plan.records)) is less.denied


def test_known_ports_share_nothing_that_must_be_their_own() -> None:
    for own in ("name", "port", "srv", "variable"):
        assert len({getattr(client, own) for client in KNOWN}) == len(KNOWN), own
    assert set(OFFERED) <= set(KNOWN)


def test_two_values_with_one_variable_are_published_once() -> None:
    """A description may move a port: what is not offered must not take its variable back."""
    moved = evolve(client_port("managesieve"), port=14190)
    plan = derive(sound(), clients=(*OFFERED, moved))
    assert render.conf(plan)["SIEVE_PORT"] == f"{plan.internal.ipv4}:14190"


def test_no_number_of_theirs_is_typed_in_the_code() -> None:
    own = {client.port for client in KNOWN}
    for path in (REPOSITORY / "mailnix").rglob("*.py"):
        numbers = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not numbers & own, path
    for path in (REPOSITORY / "modules").rglob("*.nix"):
        code = re.sub(r"#.*|\"[^\"]*\"", "", path.read_text())
        assert not {*map(int, re.findall(r"\b\d+\b", code))} & own, path
    for path in (REPOSITORY / "mailnix/services").rglob("*.j2"):
        assert not {*re.findall(r"\b\d+\b", path.read_text())} & {*map(str, own)}, path


def test_a_description_asks_for_services_in_any_order() -> None:
    plan = derive(sound(client_services=["managesieve", "imaps", "pop3s", "submissions"]))
    assert [client.name for client in plan.internal.client_ports] == ["submissions", "imaps", "pop3s", "managesieve"]
    assert [forward.service for forward in plan.proxies[0].forwards] == ["submissions", "imaps", "pop3s", "managesieve"]
    assert derive(sound(client_services=reversed(DEFAULT))).proxies == derive(sound()).proxies


def test_a_machine_without_any_still_has_a_firewall() -> None:
    plan = derive(sound(client_services=[]))
    for host in plan.hosts:
        assert "{  }" not in table(host)
    assert "dnat" not in table(plan.proxies[0])


def test_programs_at_home_reach_mailcow_at_the_machine_itself_where_they_may() -> None:
    internal = Internal("internal", backup=Backup(), lan_client_cidrs=["192.168.1.0/24"])
    plan = derive(sound(internal=internal))
    open_at_home = {entry.port for entry in plan.internal.listeners if entry.reach is Reach.HOME}
    assert open_at_home == {443, *(client.port for client in OFFERED)}
    conf = render.conf(plan)
    assert {conf[client.variable] for client in OFFERED} == {f"0.0.0.0:{client.port}" for client in OFFERED}
    assert conf["SMTP_PORT"] == f"{plan.internal.ipv4}:25"
    assert f'- "0.0.0.0:443:{conf["HTTPS_PORT"]}"' in render.compose_override(plan)
    (rule,) = [line for line in table(plan.internal).splitlines() if "192.168.1.0/24" in line and "dnat" in line]
    assert rule.split("dport ")[1].startswith("{ 465, 587, 993, 8443 } ct status dnat")
    assert "iifname { " in rule
    assert not [line for line in table(derive(sound()).internal).splitlines() if "8443" in line]


def test_everybody_else_at_home_still_meets_a_closed_machine() -> None:
    plan = derive(sound(internal=Internal("internal", lan_client_cidrs=["192.168.1.0/24"])))
    listeners = [entry for entry in plan.internal.listeners if entry.reach is Reach.HOME]
    for address, wanted in (("192.168.1.7", True), ("192.168.2.7", False)):
        for entry in listeners:
            clients = plan.internal.lan_client_networks
            assert may_reach(entry, ip_address(address), (), everyone=False, clients=clients) is wanted
