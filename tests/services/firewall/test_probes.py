"""Both tables in the kernel, between network namespaces: what is reached, from where."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from mailnix.plan import derive
from mailnix.services.firewall.render import SMTP_BURST, SMTP_NEWCOMERS_BURST
from rig import until
from tests.attacks.marks import Kind, attack
from tests.services.conftest import topology
from tests.services.firewall import namespaces
from tests.services.firewall.namespaces import PROXY, PROXY6, PROXY_BEHIND_NAT, RECEIVER, RECEIVER6, Network, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "runs")


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    with namespaces.network(derive(topology())) as network:
        for address, port in (("0.0.0.0", 25), ("0.0.0.0", 443), (PROXY6, 25)):
            network.listen("proxy", address, port)
        plan = derive(topology())
        for end in (plan.internal.ipv4, plan.internal.ipv6):
            network.listen("home", str(end), 465)
        for port in (25, 465):
            for address in (RECEIVER, RECEIVER6):
                network.listen("internet", address, port)
        until(lambda: sees(network, PROXY6, "2001:db8:99::7"), "neighbours know each other")
        yield network


def visitor(net: Network, address: str) -> str:
    """An address that the internet's machine has."""
    at_once = ["nodad"] if ":" in address else []
    net.ip("internet", "addr", "replace", address, "dev", "lo", *at_once)
    return address


def sees(net: Network, target: str, source: str) -> bool:
    return net.connect("internet", target, 25, visitor(net, source), seconds=5) == f"I see {source}"


@pytest.mark.parametrize(
    "source",
    ["10.9.9.9", "100.64.3.3", "172.16.9.9", "172.22.1.9", "192.168.77.7", "198.18.0.7", "169.254.9.9", "240.0.0.7"],
)
@pytest.mark.parametrize("port", [25, 465])
@attack(Kind.FIREWALL, right="dropped", source="RFC 6890; RFC 2827 (BCP 38)")
def test_nobody_on_the_internet_has_a_private_address(net: Network, source: str, port: int) -> None:
    before = counted(net, "@nobody4") + counted(net, "@private4")
    assert net.connect("internet", PROXY, port, visitor(net, source), 0.3) == "dropped"
    assert counted(net, "@nobody4") + counted(net, "@private4") > before


def counted(net: Network, name: str) -> int:
    """Packets that the rules with this set have dropped."""
    rules = net.nft("proxy", "list chain inet mailnix nobodies").splitlines()
    return sum(int(rule.split("packets ")[1].split()[0]) for rule in rules if f"saddr {name} " in rule)


@pytest.mark.parametrize("source", ["fd00:9::9", "fd6d:6169:6c6e::99", "fec0::9"])
@attack(Kind.FIREWALL, right="dropped", source="RFC 4193 4.1; RFC 3879")
def test_nor_a_unique_local_one(net: Network, source: str) -> None:
    before = counted(net, "@private6") + counted(net, "@nobody6")
    assert net.connect("internet", PROXY6, 25, visitor(net, source)) == "dropped"
    assert counted(net, "@private6") + counted(net, "@nobody6") > before


def test_a_neighbour_of_a_proxy_behind_nat_is_somebody(net: Network) -> None:
    assert sees(net, PROXY_BEHIND_NAT, "192.168.50.1")


@pytest.mark.parametrize("source", ["10.83.119.1", "10.83.119.2", "240.0.0.9"])
@attack(Kind.FIREWALL, right="dropped", source="RFC 2827 (BCP 38): no packet from outside comes from inside")
def test_but_not_the_tunnels_own_addresses(net: Network, source: str) -> None:
    before = counted(net, "@nobody4")
    assert net.connect("internet", PROXY_BEHIND_NAT, 25, visitor(net, source)) == "dropped"
    assert counted(net, "@nobody4") > before


@attack(Kind.FIREWALL, right="dropped", source="Postfix mynetworks_style = subnet: Mailcow relays for its containers")
def test_a_neighbour_with_the_address_of_a_container_gets_no_mail_announced(net: Network) -> None:
    """haraka-in would announce it by XCLIENT, and Mailcow would relay for it."""
    before = counted(net, "@nobody4")
    assert net.connect("internet", PROXY_BEHIND_NAT, 25, visitor(net, "172.22.1.77")) == "dropped"
    assert counted(net, "@nobody4") > before


MLD_QUERY = struct.pack("!BBHHH16x", 130, 0, 0, 100, 0)  # RFC 2710 3: answers are wanted within 100 ms
ROUTER_ALERT = bytes((0, 0, 5, 2, 0, 0, 1, 0))


@pytest.mark.parametrize(("place", "cable"), [("proxy", "to-proxy"), ("home", "to-home")])
def test_a_switch_learns_who_listens_for_neighbour_discovery(net: Network, place: str, cable: str) -> None:
    """RFC 4890 4.4.1; RFC 4541: without an answer a switch stops handing on what the neighbours ask for."""
    net.nft(place, "table ip6 seen { chain out { type filter hook output priority 0; icmpv6 type 131 counter; }; }")

    def answered() -> bool:
        with net.inside("internet"), socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw:
            raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
            raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, ROUTER_ALERT)
            raw.sendto(MLD_QUERY, ("ff02::1", 0, 0, socket.if_nametoindex(cable)))
        return "packets 0 " not in net.nft(place, "list table ip6 seen")

    until(answered, "the query is answered", seconds=10)


def test_the_internet_is_served(net: Network) -> None:
    for target, source in ((PROXY, "198.51.100.9"), (PROXY6, "2001:db8:99:3::1")):
        assert sees(net, target, source)


@attack(Kind.FIREWALL, right="refused at once", source="Spamhaus PBL: a home address is on block lists")
def test_mail_never_leaves_from_the_home_address(net: Network) -> None:
    for place in ("home", "mailcow", "other"):
        for target in (RECEIVER, RECEIVER6):
            assert net.connect(place, target, 25) == "refused", (place, target)
            assert net.connect(place, target, 465).startswith("I see"), (place, target)


@attack(Kind.FIREWALL, right="dropped", source="RFC 2827 (BCP 38)")
def test_home_takes_nobody_for_a_container_that_is_none(net: Network) -> None:
    rules = "list chain inet mailnix forward"
    assert net.connect("internet", "172.17.0.9", 465, visitor(net, "172.22.1.77")) == "dropped"
    dropped = next(line for line in net.nft("home", rules).splitlines() if "ip saddr 172.22.1.0/24" in line)
    assert "packets 0 " not in dropped


def served(net: Network, target: str, sources: list[str], tries: int) -> int:
    """How many of so many quick connections are served; stops where it is clear that there is a limit."""
    found = failed = 0
    for number in range(tries):
        seen = net.connect("internet", target, 25, visitor(net, sources[number % len(sources)]), 0.4)
        found += seen.startswith("I see")
        failed += not seen.startswith("I see")
        if failed > 4:
            break
    return found


@pytest.mark.parametrize(
    ("target", "sources", "other"),
    [
        (PROXY, ["198.51.100.33"], "198.51.100.34"),
        (PROXY6, ["2001:db8:99:5::1", "2001:db8:99:5::2"], "2001:db8:99:6::1"),
    ],
    ids=["an IPv4 address", "an IPv6 /64"],
)
@attack(Kind.FLOOD, right="its burst, then dropped; others served", source="Postfix smtpd_client_connection_rate_limit")
def test_a_client_is_limited_and_another_is_not(net: Network, target: str, sources: list[str], other: str) -> None:
    assert SMTP_BURST <= served(net, target, sources, SMTP_BURST + 20) <= SMTP_BURST + 8
    assert sees(net, target, other)


FORGED = 66_000  # more than a set holds


@attack(Kind.FLOOD, right="its burst, then dropped", source="a limit does not fail open")
def test_forged_addresses_do_not_lift_the_limit(net: Network) -> None:
    with net.inside("internet"), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for number in range(FORGED):
            raw.sendto(syn(number), (PROXY, 0))
    assert SMTP_BURST <= served(net, PROXY, ["198.51.100.37"], SMTP_BURST + 20) <= SMTP_BURST + 8
    assert sees(net, PROXY, "198.51.100.38")


@attack(Kind.FLOOD, right="a shared burst, then dropped", source="a limit does not fail open")
def test_full_sets_do_not_lift_it_either_and_newcomers_share_a_rate(net: Network) -> None:
    flooded = {"smtp4": 65536, "smtp4_known": 32768}
    for name, size in flooded.items():
        elements = ", ".join(str(IPv4Address("20.0.0.0") + number) for number in range(size))
        net.nft("proxy", f"flush set inet mailnix {name}\nadd element inet mailnix {name} {{ {elements} }}\n")
    try:
        most = SMTP_NEWCOMERS_BURST + 40
        assert SMTP_NEWCOMERS_BURST <= served(net, PROXY, ["198.51.100.41"], most) < most
    finally:
        net.nft("proxy", "".join(f"flush set inet mailnix {name}\n" for name in flooded))


def checksum(data: bytes) -> int:
    """RFC 1071, of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return int(~(total + (total >> 16)) & 0xFFFF)


def syn(number: int) -> bytes:
    """An IPv4 packet with a SYN to the proxy's port 25, from 20.0.0.0 + number."""
    source, target = struct.pack("!I", 0x14000000 + number), socket.inet_aton(PROXY)
    tcp = struct.pack("!HHIIBBHHH", 1025 + number % 60_000, 25, number, 0, 0x50, 2, 1000, 0, 0)
    tcp = tcp[:16] + struct.pack("!H", checksum(source + target + struct.pack("!BBH", 0, 6, 20) + tcp)) + tcp[18:]
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, number & 0xFFFF, 0, 64, 6, 0, source, target) + tcp
