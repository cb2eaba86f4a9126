"""Servers of a zone and a resolver are asked; who says what is kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pytest

from mailnix import Domain
from mailnix.model.policies import MtaStsMode
from mailnix.plan import DnsRecord, derive
from mailnix.published import Look, State, look
from mailnix.resolve import Absent, Answer, Ask, Server, Unasked
from rig import signed_dns
from rig.waiting import free_net
from tests.descriptions import PUBLIC4, sound
from tests.published.conftest import World

MAILCOW = ("mail.example.org",)
RESOLVER = Server("resolver", ("192.0.2.1",))


def delegated(world: World, *servers: str) -> World:
    """A world with name servers, as a resolver knows it."""
    return world.plus(
        *(("example.org", "NS", f"{server}.") for server in servers),
        *((server, "A", f"192.0.2.{number}") for number, server in enumerate(servers, 10)),
        ("in-addr.arpa", "NS", "ns.arpa."),
        ("ip6.arpa", "NS", "ns.arpa."),
    )


def looked(records: Sequence[DnsRecord], resolver: Ask, servers: Mapping[str, Ask]) -> Look:
    return look(records, MAILCOW, RESOLVER, lambda server: servers.get(server.name, resolver), resolver)


def test_all_is_well_where_everybody_says_the_same(records: Sequence[DnsRecord], well: World) -> None:
    found = looked(records, delegated(well, "ns1.host.net", "ns2.host.net"), {"ns1.host.net": well})
    assert found.findings == ()
    assert found.same == len({(record.name, record.type) for record in records})


def test_what_all_say_is_told_once(records: Sequence[DnsRecord], well: World) -> None:
    world = delegated(well.minus("example.org", "MX"), "ns1.host.net", "ns2.host.net")
    (finding,) = looked(records, world, {}).findings
    assert finding.where == ("ns1.host.net", "ns2.host.net", "resolver")
    assert finding.state is State.MISSING


def test_servers_of_a_zone_that_disagree_are_named(records: Sequence[DnsRecord], well: World) -> None:
    world = delegated(well, "ns1.host.net", "ns2.host.net")
    (finding,) = looked(records, world, {"ns2.host.net": well.minus("example.org", "MX")}).findings
    assert (finding.state, finding.where) == (State.MISSING, ("ns2.host.net",))


def test_what_only_the_resolver_sees_otherwise_is_on_its_way(records: Sequence[DnsRecord], well: World) -> None:
    before = delegated(
        well.minus("example.org", "MX").plus(("example.org", "MX", "10 mx.old.example.")), "ns1.host.net"
    )
    found = looked(records, before, {"ns1.host.net": well})
    (finding,) = found.findings
    assert (finding.state, finding.found) == (State.NOT_YET, ("10 mx.old.example.",))
    assert finding.where == ("resolver",)
    assert "wait" in finding.todo
    assert found.status == 1


def test_a_reverse_name_is_asked_for_too(records: Sequence[DnsRecord], well: World) -> None:
    world = delegated(well.minus("1.100.9.5.in-addr.arpa"), "ns1.host.net")
    (finding,) = looked(records, world, {}).findings
    assert (finding.state, finding.type, finding.wanted) == (State.MISSING, "PTR", ("mail.example.org.",))


def test_a_server_that_does_not_answer_is_told_and_what_others_say_counts(
    records: Sequence[DnsRecord], well: World
) -> None:
    world = delegated(well, "ns1.host.net", "ns2.host.net")
    found = looked(records, world, {"ns2.host.net": lambda _name, _kind: Unasked("ns2.host.net: does not answer")})
    (finding,) = found.findings
    assert (finding.state, finding.where, found.status) == (State.UNASKED, ("ns2.host.net",), 3)
    assert found.same == len({(record.name, record.type) for record in records})


def test_an_alias_out_of_the_zone_is_followed_by_the_resolver(records: Sequence[DnsRecord], well: World) -> None:
    """Somebody else keeps the key, or the reverse names (RFC 2317): the zone's server knows the way only."""
    name, key = "dkim._domainkey.example.org", "key.provider.example"
    (data,) = (data for other, _kind, data in well.lines if other == name)
    zone = well.minus(name).plus((name, "CNAME", f"{key}."))
    world = delegated(zone.plus((key, "TXT", data)), "ns1.host.net")
    assert looked(records, world, {"ns1.host.net": zone}).findings == ()
    other = delegated(zone.plus((key, "TXT", '"v=DKIM1; p=AAAA"')), "ns1.host.net")
    (finding,) = looked(records, other, {"ns1.host.net": zone}).findings
    assert (finding.state, finding.name, finding.where) == (State.IN_THE_WAY, name, ("ns1.host.net", "resolver"))


def test_of_a_silent_server_nothing_more_is_asked(records: Sequence[DnsRecord], well: World) -> None:
    asked: list[str] = []

    def silent(name: str, kind: str, /) -> Answer:
        asked.append(f"{name} {kind}")
        return Unasked("ns1.host.net: does not answer")

    (finding,) = looked(records, delegated(well, "ns1.host.net"), {"ns1.host.net": silent}).findings
    assert len(asked) == 1
    assert "does not answer" in finding.why


def test_a_server_that_refuses_one_question_is_asked_the_others(records: Sequence[DnsRecord], well: World) -> None:
    def refusing(name: str, kind: str, /) -> Answer:
        return Unasked("answers REFUSED", "REFUSED") if name == "mail.example.org" else well(name, kind)

    found = looked(records, delegated(well, "ns1.host.net"), {"ns1.host.net": refusing})
    (finding,) = found.findings
    assert finding.why.startswith("answers REFUSED (4 of ")


def test_a_resolver_that_does_not_answer_leaves_nobody_to_ask(records: Sequence[DnsRecord]) -> None:
    found = looked(records, lambda _name, _kind: Unasked("resolver: does not answer"), {})
    assert {finding.state for finding in found.findings} == {State.UNASKED}
    assert (found.same, found.status) == (0, 3)


@pytest.fixture
def internet(records: Sequence[DnsRecord], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The records on a real authority, but for one and with another changed, behind a real unbound."""
    if why := signed_dns.missing():
        pytest.skip(why)
    net = free_net()
    lines = [
        f"{r.name}. 60 IN {r.type} {'10 mx.old.example.' if r.type == 'MX' else r.data}"
        for r in records
        if r.name != "_dmarc.example.org"
    ]
    authority = signed_dns.authority(f"{net}.54", lines)
    authority.open()
    try:
        with signed_dns.resolver(tmp_path_factory.mktemp("dns") / "unbound", f"{net}.53", authority) as unbound:
            yield Server("unbound", (unbound.address,))
    finally:
        authority.close()


def test_real_servers_are_asked(records: Sequence[DnsRecord], internet: Server) -> None:
    found = look(records, MAILCOW, internet)
    assert [(each.state, each.name, each.type) for each in found.findings] == [
        (State.DIFFERENT, "example.org", "MX"),
        (State.MISSING, "_dmarc.example.org", "TXT"),
    ]
    assert found.findings[0].where == ("ns", "unbound")
    assert found.same == len({(record.name, record.type) for record in records}) - 2


def test_a_network_that_answers_for_the_world_says_nothing_of_records(records: Sequence[DnsRecord]) -> None:
    found = look(records, MAILCOW, RESOLVER, lambda _server: nothing, nothing)
    assert found.status == 3
    assert {finding.state for finding in found.findings} == {State.UNASKED}
    assert found.same == 0


def nothing(_name: str, _kind: str, /) -> Answer:
    """A hotel, or an office, whose resolver has no way out and says of everything that it is not there."""
    return Absent(exists=False)


def test_a_resolver_that_leads_home_is_not_waited_for(records: Sequence[DnsRecord], well: World) -> None:
    world = delegated(well, "ns1.host.net")
    home = world.minus("mail.example.org").plus(("mail.example.org", "A", "192.168.1.20"))
    found = looked(records, home, {"ns1.host.net": well})
    assert found.findings == ()


def test_home_is_no_excuse_for_what_the_zone_says(records: Sequence[DnsRecord], well: World) -> None:
    home = delegated(
        well.minus("mail.example.org", "A").plus(("mail.example.org", "A", "192.168.1.20")), "ns1.host.net"
    )
    (finding,) = looked(records, home, {}).findings
    assert (finding.state, finding.found, finding.where) == (State.DIFFERENT, ("192.168.1.20",), ("ns1.host.net",))


def within(world: World, *zones: str, beside: str = "") -> tuple[Ask, list[str]]:
    """A server of these zones alone, less one that is handed on; and what it was asked that is none of its own."""
    strayed: list[str] = []

    def ask(name: str, kind: str, /) -> Answer:
        if is_below(name, *zones) and not is_below(name, beside):
            return world(name, kind)
        strayed.append(f"{name} {kind}")
        return Unasked("answers REFUSED", "REFUSED")

    return ask, strayed


def is_below(name: str, *zones: str) -> bool:
    return any(name == zone or name.endswith(f".{zone}") for zone in zones if zone)


def of_two_zones(records: Sequence[DnsRecord], world: World) -> tuple[Look, list[str]]:
    """mail.example.org is a zone of its own, kept elsewhere; and what was asked of servers that cannot know it."""
    parent, astray = within(world, "example.org", "arpa", beside="mail.example.org")
    child, strayed = within(world, "mail.example.org")
    whole = delegated(world, "ns.parent.net").plus(
        ("mail.example.org", "NS", "ns.child.net."), ("ns.child.net", "A", "192.0.2.20")
    )
    found = looked(records, whole, {"ns.parent.net": parent, "ns.child.net": child})
    return found, astray + strayed


def test_nobody_is_asked_for_what_another_zone_has(records: Sequence[DnsRecord], well: World) -> None:
    found, strayed = of_two_zones(records, well)
    assert (found.findings, strayed) == ((), [])


def test_an_authority_that_the_zone_above_leaves_out_is_seen_at_its_servers(
    records: Sequence[DnsRecord], well: World
) -> None:
    world = well.minus("example.org", "CAA").plus(("example.org", "CAA", '0 issue "digicert.com"'))
    found, _strayed = of_two_zones(records, world)
    (finding,) = found.findings
    assert (finding.state, finding.name) == (State.IN_THE_WAY, "example.org")
    assert finding.where == ("ns.parent.net", "resolver")


def test_an_alias_that_is_published_as_addresses_is_compared_with_its_targets_authority_in_another_zone(
    records: Sequence[DnsRecord], well: World
) -> None:
    name = "autoconfig.example.org"
    world = well.minus(name).plus((name, "A", PUBLIC4), (name, "CAA", '0 issue "digicert.com"'))
    found, _strayed = of_two_zones(records, world)
    (finding,) = found.findings
    assert (finding.state, finding.name, finding.type) == (State.IN_THE_WAY, name, "CAA")
    assert finding.where == ("ns.parent.net", "resolver")


def test_what_is_announced_in_a_zone_of_its_own_is_seen_there(well: World) -> None:
    """Who serves policies for others may have been given the name whole."""
    plain = derive(sound(domains=[Domain("example.org", ["postmaster"], mta_sts=MtaStsMode.OFF)])).records
    name = "_mta-sts.example.org"
    world = World.of(plain).plus((name, "TXT", '"v=STSv1; id=1"'))
    parent, astray = within(world, "example.org", "arpa", beside=name)
    child, strayed = within(world, name)
    whole = delegated(world, "ns.parent.net").plus((name, "NS", "ns.child.net."), ("ns.child.net", "A", "192.0.2.20"))
    found = looked(plain, whole, {"ns.parent.net": parent, "ns.child.net": child})
    (finding,) = found.findings
    assert (finding.state, finding.name, finding.where) == (State.IN_THE_WAY, name, ("ns.child.net", "resolver"))
    assert astray + strayed == []


def test_a_server_without_a_way_there_is_not_missed_where_another_answers(
    records: Sequence[DnsRecord], well: World
) -> None:
    """It has IPv6 only, say, and this machine has none."""
    far = {"ns2.host.net": lambda _name, _kind: Unasked("this machine has no way there", no_way=True)}
    found = looked(records, delegated(well, "ns1.host.net", "ns2.host.net"), far)
    assert (found.findings, found.status) == ((), 0)
    alone = looked(records, delegated(well, "ns2.host.net"), far)
    assert [each.state for each in alone.findings] == [State.UNASKED]
