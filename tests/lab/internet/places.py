"""Places that somebody could describe: what a description leaves to the provider and the home router, in every mix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mailnix import Domain, Internal, Proxy, Topology, Tunnel
from mailnix.plan import Plan, derive

PRIVATE = st.sampled_from([(), ("10.0.0.0/16",), ("172.31.0.0/20", "10.9.0.0/24"), ("192.168.128.0/17", "fd00:7::/64")])
RESOLVERS = st.sampled_from(
    [
        ("185.12.64.1",),
        ("1.1.1.1", "2606:4700:4700::1111"),
        ("127.0.0.1",),
        ("203.0.113.1", "192.0.2.53"),
        ("10.0.0.2",),
    ]
)


def cards(number: int) -> st.SearchStrategy[str | None]:
    """How a machine's card could be described: not at all, by any name, or by a MAC that is its own."""
    return st.sampled_from(
        [None, "ens3", "ens28", "wan0", f"52:54:00:AA:bb:{number:02}", f"52-54-00-cc-bb-{number:02}"]
    )


def planned(
    *proxies: Proxy, internal: Internal | None = None, domain: str = "example.org", tunnel: Tunnel | None = None
) -> Plan:
    topology = Topology(
        hostname=f"mail.{domain}",
        proxies=proxies,
        internal=internal or Internal("internal"),
        domains=[Domain(domain)],
        tunnel=tunnel or Tunnel(),
    )
    return derive(topology)


@st.composite
def proxies(draw: st.DrawFn, name: str, number: int) -> Proxy:
    """One proxy: DHCP or static, inside or outside of its gateway's network, translated, floating, with IPv6 or not."""
    near = draw(st.sampled_from(["203.0.113", "192.0.2", "5.75.128"]))
    said: dict[str, Any] = {
        "ipv4": f"{near}.{10 + number}",
        "card": draw(cards(number)),
        "private_networks": draw(PRIVATE),
    }
    kind = draw(st.sampled_from(["dhcp", "inside", "outside", "translated", "translated-dhcp", "floating", "moved"]))
    if kind in ("inside", "outside", "translated", "moved"):
        said["nameservers"] = draw(RESOLVERS)
    match kind:
        case "inside":
            said |= {"gateway": f"{near}.1", "prefix": 24}
        case "outside":
            said |= {"gateway": draw(st.sampled_from(["172.31.1.1", "5.1.2.3"]))}
        case "translated":
            said |= {"gateway": f"10.8.{number}.1", "prefix": 24, "card_ipv4": f"10.8.{number}.4"}
        case "translated-dhcp":
            said |= {"card_ipv4": f"10.0.0.{100 + number}"}
        case "floating":
            said |= {"floating": True}
        case "moved":
            said |= {"floating": True, "card_ipv4": f"78.46.{number}.9", "gateway": "172.31.1.1"}
    if draw(st.booleans()):
        prefix = draw(st.sampled_from([48, 56, 64, 80, 112, 128]))
        gateway = draw(st.sampled_from([None, "fe80::1", "2001:db8:5::1", "2001:db8:5:6::ffff"]))
        said |= {"ipv6": f"2001:db8:5:6::{10 + number:x}", "prefix6": prefix, "gateway6": gateway}
    said["extra_addresses"] = draw(st.sampled_from([(), (f"192.168.133.{number}/17",), (f"78.47.1.{number}/32",)]))
    said["endpoint"] = draw(st.sampled_from([None, "vpn.example.org", "dyn.elsewhere.test", f"88.1.2.{number}"]))
    return Proxy(name, **said)


INTERNALS = st.one_of(
    st.builds(
        lambda lan, card, forwarders: Internal("internal", lan=lan, card=card, forwarders=forwarders),
        st.sampled_from([None, "10.0.0.0/24", "10.0.0.0/8", "192.168.0.0/16", "172.31.1.0/24", "203.0.113.0/24"]),
        cards(99),
        st.sampled_from([(), ("10.0.0.1",), ("9.9.9.9", "10.0.0.53")]),
    ),
    st.builds(
        lambda host, prefix, card: Internal(
            "internal", ipv4=host, prefix=prefix, gateway="10.0.0.1", nameservers=["10.0.0.1", "10.0.0.3"], card=card
        ),
        st.sampled_from(["10.0.0.77", "10.0.0.200"]),
        st.sampled_from([8, 16, 24]),
        cards(99),
    ),
)


@st.composite
def planned_places(draw: st.DrawFn) -> Plan:
    """A plan of one or two proxies, some home and some tunnel."""
    count = draw(st.integers(1, 2))
    machines = [draw(proxies(f"p{number}", number)) for number in range(count)]
    over = draw(st.sampled_from(["ipv4", "ipv6"])) if all(proxy.ipv6 for proxy in machines) else "ipv4"
    subnet = draw(st.sampled_from([None, "172.16.9.0/24"]))
    return planned(*machines, internal=draw(INTERNALS), tunnel=Tunnel(over=over, subnet=subnet))


def in_every_place(test: Callable[[Plan], None]) -> Callable[[], None]:
    """Run a test in many of them; each costs a whole plan."""
    return settings(max_examples=60, deadline=None)(given(planned_places())(test))
