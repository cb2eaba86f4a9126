"""Whom Mailcow has banned is kept from the web pages, too: the list on its way, and the firewall's sets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from mailnix.model import ports
from mailnix.plan import Plan, Reach, derive
from mailnix.services.firewall import units
from mailnix.services.firewall.debian import debian
from mailnix.services.firewall.guest import bans
from mailnix.services.firewall.render import table
from mailnix.services.mailcow import units as mailcow_units
from mailnix.services.mailcow.debian import PROGRAMS
from mailnix.services.mailcow.guest import bans as sender
from tests.attacks.marks import Kind, attack
from tests.services.conftest import topology
from tests.services.firewall import namespaces
from tests.services.firewall.namespaces import HOME_LAN, PROXY, PROXY6, Network, missing

TUNNEL, HOME = "10.83.119.1", "10.83.119.2"  # the proxy's end, and home's
AS_DOCKER_DOES = """table ip docker { chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 172.22.1.0/24 oifname != "br-mailcow" masquerade
    ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
}; }"""
UNIT = 61_999  # as systemd gives one to a unit with DynamicUser=
GUESSER, OTHER = "198.51.100.66", "198.51.100.67"


def networks(text: str) -> list[str]:
    return [str(network) for network in bans.networks(text.splitlines())]


def test_what_is_no_network_and_what_is_too_wide_is_left_out() -> None:
    listed = "198.51.100.66/32\n2001:db8:9::1\n\nnonsense\n0.0.0.0/0\n::/0\n::ffff:192.0.2.1/128\n192.0.2.7/24\n"
    assert networks(listed) == ["198.51.100.66/32", "2001:db8:9::1/128", "192.0.2.0/24"]


def test_no_line_says_more_than_a_network() -> None:
    assert networks('192.0.2.1 } ; flush ruleset ; { \n192.0.2.2"\nfe80::%x } ; flush ruleset ; #/64\n') == []


@pytest.mark.parametrize(
    "text", ["", "EHLO here\n", "mailnix-bans 1\n192.0.2.1\n", "192.0.2.1\n.\n", "mailnix-bans 1\n."]
)
def test_what_is_no_whole_list_is_none(text: str) -> None:
    assert bans.listed(text) is None


def test_home_and_the_proxy_mean_the_same_by_a_list() -> None:
    assert bans.listed(sender.text_of(["192.0.2.1"]).decode()) == ["192.0.2.1"]
    assert bans.listed(sender.text_of([]).decode()) == []


def test_home_is_who_dials() -> None:
    shown = "KEY=\t203.0.113.77:51820\nKEY=\t[2001:db8::77]:51820\nKEY=\t(none)\n"
    assert list(bans.peers(shown)) == ["203.0.113.77", "2001:db8::77"]


def test_networks_that_overlap_are_one_element() -> None:
    text = bans.script([ip_network("192.0.2.0/24"), ip_network("192.0.2.7/32")], ["203.0.113.77"])
    assert "add element inet mailnix banned4 { 192.0.2.0/24 timeout 300s }\n" in text
    assert "add element inet mailnix home4 { 203.0.113.77 timeout 300s }\n" in text
    assert text.count("flush set") == 4


def test_a_proxy_takes_the_list_from_home_alone(plan: Plan) -> None:
    (listener,) = [entry for entry in plan.proxies[0].listeners if entry.service == "bans"]
    assert listener.reach is Reach.TUNNEL
    assert units.listens(plan.proxies[0]) == f"{listener.addresses[0]}:{listener.port}"
    assert f"ip saddr 10.83.119.2 ip daddr 10.83.119.1 tcp dport {{ 2526, {listener.port} }}" in table(plan.proxies[0])
    names = {entry.path.rpartition("/")[2] for entry in debian(plan, plan.proxies[0]).entries}
    assert {"mailnix-bans.socket", "mailnix-bans@.service", "take-bans"} <= names
    assert not {entry.path for entry in debian(plan, plan.internal).entries} & {"mailnix-bans.socket"}


def test_the_rules_mean_the_users_that_systemd_makes_up_for_units(plan: Plan) -> None:
    """systemd's dynamicuidmin and dynamicuidmax (systemd.pc), which neither Debian nor NixOS changes."""
    assert dict(mailcow_units.bans_unit(PROGRAMS, plan.internal))["Service"]["DynamicUser"] is True
    assert "meta skuid != 61184-65519 counter reject" in table(plan.internal)


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    with namespaces.network(derive(topology())) as network:
        for port in (25, 443):
            network.listen("proxy", "0.0.0.0", port)
            network.listen("proxy", PROXY6, port)
        for port in (ports.BANS, ports.RELAY):
            network.listen("proxy", TUNNEL, port)
        network.nft("home", AS_DOCKER_DOES)
        yield network


def sees(net: Network, source: str, port: int, target: str = PROXY) -> bool:
    net.ip("internet", "addr", "replace", source, "dev", "lo", *(["nodad"] if ":" in source else []))
    return net.connect("internet", target, port, source, 2) == f"I see {source}"


def ban(net: Network, *listed: str, home: tuple[str, ...] = ()) -> None:
    net.nft("proxy", bans.script(bans.networks(listed), home))


@pytest.mark.skipif(bool(missing()), reason=missing() or "runs")
@attack(Kind.FIREWALL, right="dropped on the web, too", source="Mailcow's netfilter, which sees the proxy there")
def test_whom_mailcow_has_banned_reaches_no_page_and_others_do(net: Network) -> None:
    assert sees(net, GUESSER, 443)
    ban(net, f"{GUESSER}/32", "2001:db8:99:66::/64")
    assert not sees(net, GUESSER, 443)
    assert not sees(net, "2001:db8:99:66::1", 443, PROXY6)
    assert sees(net, OTHER, 443)
    assert sees(net, GUESSER, 25)  # a mail is judged by what it is
    ban(net)
    assert sees(net, GUESSER, 443)


@pytest.mark.skipif(bool(missing()), reason=missing() or "runs")
def test_the_unit_at_home_hands_its_list_over(net: Network) -> None:
    assert net.connect("home", TUNNEL, ports.BANS, user=UNIT) == f"I see {HOME}"


FORGERS = {
    "a container of Mailcow's": ("mailcow", 0),
    "another container": ("other", UNIT),
    "a user at home": ("home", 1000),
    "a container at home with the machine's own network": ("home", 0),
    "a user of the proxy": ("proxy", 1000),
    "a service of the proxy": ("proxy", UNIT),
    "somebody on the internet": ("internet", 0),
    "the home network": ("lan", 0),
}


@pytest.mark.skipif(bool(missing()), reason=missing() or "runs")
@pytest.mark.parametrize(("place", "user"), FORGERS.values(), ids=FORGERS)
@attack(Kind.FIREWALL, right="not connected", source="whom a list bans is for the unit at home to say")
def test_nobody_else_reaches_where_the_proxy_takes_it(net: Network, place: str, user: int) -> None:
    # The internet's machine is the router of both: by way of the proxy's card, and of home's.
    by = {"internet": "203.0.113.10", "lan": HOME_LAN}.get(place)
    where = "internet" if by else place
    if by:
        net.ip("internet", "route", "replace", f"{TUNNEL}/32", "via", by)
    assert net.connect(where, TUNNEL, ports.BANS, user=user) in ("refused", "dropped")


@pytest.mark.skipif(bool(missing()), reason=missing() or "runs")
@attack(Kind.FIREWALL, right="refused at once", source="haraka-out relays for whom it sees as home")
def test_of_the_containers_mailcows_alone_send_mail_by_the_proxy(net: Network) -> None:
    assert net.connect("mailcow", TUNNEL, ports.RELAY) == f"I see {HOME}"
    assert net.connect("other", TUNNEL, ports.RELAY) == "refused"


@pytest.mark.skipif(bool(missing()), reason=missing() or "runs")
@attack(Kind.FIREWALL, right="home is let in", source="a guess from home must not shut the household out")
def test_nobody_is_locked_out_of_home(net: Network) -> None:
    ban(net, "198.51.100.0/24", "10.0.0.0/8", home=(GUESSER,))
    assert sees(net, GUESSER, 443)
    assert not sees(net, OTHER, 443)
    rules = net.nft("proxy", "list chain inet mailnix bans")
    assert rules.index("@private4 return") < rules.index("@banned4")
    ban(net)


def test_the_program_takes_a_list_and_says_what_it_cannot_do(tmp_path: Path) -> None:
    for name, text in (("wg", "printf 'K\\t203.0.113.77:9\\n'"), ("nft", 'cat > "$0.in"; test ! -e "$0.fails"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    words = [sys.executable, bans.__file__, "wg0"]

    def take(text: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(words, input=text, env=environment, capture_output=True, check=False)

    assert take(sender.text_of(["198.51.100.66/32"])).returncode == 0
    assert "banned4 { 198.51.100.66/32 timeout" in (tmp_path / "nft.in").read_text()
    (tmp_path / "nft.in").unlink()
    for other in (b"", b"QUIT\r\n", b"1" * (bans.LONGEST + 1)):
        assert (take(other).returncode, take(other).stderr[:3]) == (1, b"<3>")
    assert not (tmp_path / "nft.in").exists()
    (tmp_path / "nft.fails").touch()
    assert take(sender.text_of([])).returncode == 1
