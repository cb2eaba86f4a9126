"""What there is, what there is not, and what nobody could say are told apart, whatever gets lost on the way."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from attrs import define, field

from mailnix import resolve
from mailnix.errors import ResolveError
from mailnix.resolve import PATIENCE, Absent, Answer, Ask, Authorities, Found, Server, Unasked, Zone
from rig import signed_dns
from rig.waiting import free_net

HERE = Server("ns.example.org", ("192.0.2.1", "2001:db8::1"))
Reply = Callable[[dns.message.Message], dns.message.Message]


@define
class Network:
    """Answers questions by `replies`, one after the other; an exception is a reply, too."""

    replies: list[Reply | Exception]
    asked: list[tuple[str, bool, dns.message.Message]] = field(factory=list)

    def __call__(
        self, query: dns.message.Message, address: str, port: int, seconds: float, *, tcp: bool
    ) -> dns.message.Message:
        self.asked.append((address, tcp, query))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply(query)


def says(*records: str, authority: str = "", rcode: str = "NOERROR", flags: int = dns.flags.AA) -> Reply:
    """An answer with these records, and this one in its authority section."""

    def answer(query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= flags
        response.set_rcode(dns.rcode.from_text(rcode))
        for section, lines in ((response.answer, records), (response.authority, filter(None, [authority]))):
            for line in lines:
                name, kind, data = line.split(" ", 2)
                section.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, data))
        return dns.message.from_wire(response.to_wire())

    return answer


SOA = "example.org SOA ns.example.org. host.example.org. 1 2 3 4 5"
LOST = dns.exception.Timeout()  # type: ignore[no-untyped-call]  # dnspython types its errors not
NOTHING = says(authority=SOA)
A = says("mail.example.org A 203.0.113.10")


def asked(*replies: Reply | Exception, kind: str = "A", authority: bool = True) -> tuple[Answer, Network]:
    network = Network(list(replies))
    ask = (resolve.authoritative if authority else resolve.recursive)(HERE, network)
    return ask("mail.example.org", kind), network


def test_what_there_is_is_found() -> None:
    answer, network = asked(A)
    assert answer == Found(("203.0.113.10",), ttl=60)
    assert [address for address, _tcp, _query in network.asked] == ["192.0.2.1"]


def test_no_such_name_and_no_such_type_are_different_absences() -> None:
    assert asked(NOTHING)[0] == Absent(exists=True)
    assert asked(says(authority=SOA, rcode="NXDOMAIN"))[0] == Absent(exists=False)


def test_one_lost_packet_decides_nothing() -> None:
    answer, network = asked(LOST, LOST, A)
    assert answer == Found(("203.0.113.10",), ttl=60)
    assert [address for address, _tcp, _query in network.asked] == ["192.0.2.1", "2001:db8::1", "192.0.2.1"]


def test_the_last_question_goes_over_tcp_where_all_packets_are_lost() -> None:
    last = 2 * (len(PATIENCE) - 1)
    answer, network = asked(*[LOST] * last, A)
    assert isinstance(answer, Found)
    assert [tcp for _address, tcp, _query in network.asked] == [*[False] * last, True]


def test_silence_is_no_absence() -> None:
    answer, _network = asked(*[LOST] * 2 * len(PATIENCE))
    assert answer == Unasked("ns.example.org (2001:db8::1): does not answer")


def test_a_server_that_cannot_be_reached_is_said_to_be_so() -> None:
    refused = OSError(errno.ECONNREFUSED, "Connection refused")
    answer, _network = asked(*[refused] * 2 * len(PATIENCE))
    assert answer == Unasked("ns.example.org (2001:db8::1): Connection refused")


NO_IPV6 = OSError(errno.ENETUNREACH, "Network is unreachable")


def test_what_is_said_of_an_address_without_a_way_there_hides_nothing_of_another() -> None:
    answer, _network = asked(*[LOST, NO_IPV6] * len(PATIENCE))
    assert answer == Unasked("ns.example.org (192.0.2.1): does not answer")


def test_a_machine_without_a_way_to_any_address_says_so() -> None:
    answer, _network = asked(*[NO_IPV6] * 2 * len(PATIENCE))
    assert answer == Unasked("ns.example.org (2001:db8::1): this machine has no way there", no_way=True)


def test_a_refusal_is_no_absence_and_keeps_its_reason() -> None:
    def bogus(query: dns.message.Message) -> dns.message.Message:
        response = says(rcode="SERVFAIL")(query)
        response.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS)])
        return response

    answer, _network = asked(*[bogus] * 2 * len(PATIENCE))
    assert answer == Unasked("ns.example.org (2001:db8::1): answers SERVFAIL (dnssec bogus)", "SERVFAIL")


def test_a_server_without_edns_is_asked_without() -> None:
    answer, network = asked(says(rcode="FORMERR"), A)
    assert isinstance(answer, Found)
    assert [query.edns for _address, _tcp, query in network.asked] == [0, -1]


def test_what_is_said_without_authority_is_no_answer_of_an_authority() -> None:
    """Some home routers answer whatever goes to port 53."""
    forged = says("mail.example.org A 203.0.113.66", flags=dns.flags.RA)
    answer, _network = asked(*[forged] * 2 * len(PATIENCE))
    assert isinstance(answer, Unasked)
    assert "without authority" in answer.why
    assert asked(forged, authority=False)[0] == Found(("203.0.113.66",), ttl=60)


def test_a_server_that_only_names_others_has_not_been_asked_to_the_end() -> None:
    referral = says(authority="org NS a0.org.", flags=0)
    answer, _network = asked(*[referral] * 2 * len(PATIENCE), authority=False)
    assert isinstance(answer, Unasked)
    assert "names other servers" in answer.why


def test_an_alias_is_followed_and_told_also_where_it_ends_in_nothing() -> None:
    chain = ("mail.example.org CNAME Web.example.net.", "web.example.net A 203.0.113.20")
    assert asked(says(*chain))[0] == Found(("203.0.113.20",), ("web.example.net",), 60)
    assert asked(says(chain[0]))[0] == Absent(exists=True, aliases=("web.example.net",))
    assert asked(says(chain[0]), kind="CNAME")[0] == Found(("Web.example.net.",), ttl=60)


def test_what_a_resolver_has_validated_is_said_to_be_so() -> None:
    answer, network = asked(says("mail.example.org A 203.0.113.10", flags=dns.flags.AD), authority=False)
    assert answer == Found(("203.0.113.10",), ttl=60, authenticated=True)
    ((_address, _tcp, query),) = network.asked
    assert query.flags & dns.flags.AD
    assert query.flags & dns.flags.RD


def test_a_server_without_addresses_could_not_be_asked() -> None:
    answer = resolve.recursive(Server("ns.gone.example", ()), Network([]))("example.org", "A")
    assert answer == Unasked("no address of ns.gone.example is known")


def known(answers: dict[tuple[str, str], Answer]) -> Ask:
    return lambda name, kind: answers.get((name, kind), Absent(exists=False))


def test_the_authorities_of_a_name_are_those_of_the_zone_that_it_is_in() -> None:
    counted: list[str] = []
    inner = known(
        {
            ("example.org", "NS"): Found(("ns1.host.net.", "ns2.host.net.")),
            ("mta-sts.example.org", "NS"): Found(("ns.elsewhere.net.",), aliases=("web.elsewhere.net",)),
            ("ns1.host.net", "A"): Found(("192.0.2.1",)),
            ("ns1.host.net", "AAAA"): Found(("2001:db8::1",)),
            ("ns2.host.net", "A"): Unasked("lost"),
        }
    )

    def ask(name: str, kind: str, /) -> Answer:
        counted.append(f"{name} {kind}")
        return inner(name, kind)

    authorities = Authorities(ask)
    expected = Zone("example.org", (Server("ns1.host.net", ("192.0.2.1", "2001:db8::1")), Server("ns2.host.net", ())))
    for name in ("a.b.example.org", "example.org", "mta-sts.example.org", "b.example.org"):
        assert authorities.of(name) == expected
    assert len(counted) == len(set(counted))


def test_authorities_that_could_not_be_asked_for_are_not_the_parents() -> None:
    ask = known({("example.org", "NS"): Unasked("lost"), ("org", "NS"): Found(("a0.org.",))})
    assert Authorities(ask).of("mail.example.org") == Unasked("lost")


def test_records_are_the_same_whatever_their_case_and_wherever_a_text_is_cut() -> None:
    assert resolve.same("MX", "10 Mail.Example.org.", "10 mail.example.org.")
    assert not resolve.same("MX", "20 mail.example.org.", "10 mail.example.org.")
    assert resolve.same("TXT", '"v=DKIM1; p=AAAA" "BBBB"', '"v=DKIM1; p=AA" "AABBBB"')
    assert not resolve.same("TXT", '"a b"', '"ab"')
    assert resolve.text_of('"v=spf1 " "-all"') == "v=spf1 -all"


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 53),
        ("192.0.2.1:5353", "192.0.2.1", 5353),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[2001:db8::1]", "2001:db8::1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
        ("ns.example.org:5353", "192.0.2.9", 5353),
    ],
)
def test_a_server_is_given_by_address_or_name(text: str, address: str, port: int) -> None:
    ask = known({("ns.example.org", "A"): Found(("192.0.2.9",))})
    assert resolve.server(text, ask) == Server(text, (address,), port)


@pytest.mark.parametrize("text", ["ns.nowhere.example", "192.0.2.1:dns", "192.0.2.1:0", "192.0.2.1:70000", ""])
def test_a_server_that_nobody_can_find_is_an_error(text: str) -> None:
    with pytest.raises(ResolveError):
        resolve.server(text, known({}))


@pytest.fixture(scope="module")
def small_internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """A validating unbound, and the authority that it asks."""
    if why := signed_dns.missing():
        pytest.skip(why)
    net = free_net()
    long = " ".join(f'"{"x" * 250}{number}"' for number in range(8))
    records = [
        "mail.example. 60 IN A 203.0.113.10",
        "www.example. 60 IN CNAME mail.example.",
        f"long.example. 60 IN TXT {long}",
        "broken.example. 60 IN A 203.0.113.11",
    ]
    authority = signed_dns.authority(f"{net}.54", records, broken=["broken.example."])
    authority.open()
    folder: Path = tmp_path_factory.mktemp("dns") / "unbound"
    try:
        with signed_dns.resolver(folder, f"{net}.53", authority) as unbound:
            yield Server("unbound", (unbound.address,)), Server("ns", (authority.address,))
    finally:
        authority.close()


def test_real_servers_answer(small_internet: tuple[Server, Server]) -> None:
    ask, its_authority = resolve.recursive(small_internet[0]), resolve.authoritative(small_internet[1])
    answers = resolve.together(ask, [("mail.example", "A"), ("www.example", "A"), ("gone", "A")])
    assert answers["mail.example", "A"] == Found(("203.0.113.10",), ttl=60, authenticated=True)
    assert answers["www.example", "A"] == Found(("203.0.113.10",), ("mail.example",), 60, authenticated=True)
    assert answers["gone", "A"] == Absent(exists=False, authenticated=True)
    assert its_authority("mail.example", "A") == Found(("203.0.113.10",), ttl=60)
    assert Authorities(ask).of("mail.example") == Zone("", (Server("ns", small_internet[1].addresses),))


def test_an_answer_too_long_for_a_packet_comes_over_tcp(small_internet: tuple[Server, Server]) -> None:
    for ask in (resolve.recursive(small_internet[0]), resolve.authoritative(small_internet[1])):
        answer = ask("long.example", "TXT")
        assert isinstance(answer, Found)
        assert len(resolve.text_of(answer.records[0])) > resolve.PAYLOAD


def test_a_signature_that_does_not_hold_is_no_absence(small_internet: tuple[Server, Server]) -> None:
    answer = resolve.recursive(small_internet[0])("broken.example", "A")
    assert isinstance(answer, Unasked)
    assert answer.rcode == "SERVFAIL"


def test_a_resolver_can_be_asked_for_what_dnssec_proves_wrong() -> None:
    network = Network([A, A])
    resolve.recursive(HERE, network)("mail.example.org", "A")
    resolve.unchecked(HERE, network)("mail.example.org", "A")
    checked, unchecked = (query.flags for _address, _tcp, query in network.asked)
    assert (checked & dns.flags.CD, unchecked & dns.flags.CD) == (0, dns.flags.CD)


def test_a_server_that_ends_the_connection_is_asked_again() -> None:
    assert asked(EOFError("EOF"), A)[0] == Found(("203.0.113.10",), ttl=60)
    assert asked(*[EOFError("EOF")] * 6)[0] == Unasked("ns.example.org (2001:db8::1): ends the connection")


@pytest.mark.parametrize("name", ["a..example.org", "a" * 64 + ".example.org", "example.org.\\", "\ufffd.example.org"])
def test_what_cannot_be_a_name_is_not_there_and_nobody_is_asked_for_it(name: str) -> None:
    network = Network([])
    assert resolve.recursive(HERE, network)(name, "A") == Absent(exists=False)
    assert network.asked == []


def test_a_server_whose_name_cannot_be_one_is_told_in_words() -> None:
    with pytest.raises(ResolveError, match=r"no address of the DNS server 'a\.\.b'"):
        resolve.server("a..b", resolve.recursive(HERE, Network([])))


def test_what_a_server_adds_to_its_refusal_is_fit_for_a_terminal() -> None:
    def refuses(query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.REFUSED)
        response.use_edns(options=[dns.edns.EDEOption(dns.edns.EDECode.PROHIBITED, "\x1b[2Jgo\r\n" + "a" * 900)])
        return dns.message.from_wire(response.to_wire())

    answer = resolve.recursive(HERE, Network([refuses] * 6))("example.org", "A")
    assert isinstance(answer, Unasked)
    assert "go" in answer.why
    assert answer.why.isprintable()
    assert len(answer.why) < 400


def test_of_several_the_first_that_can_say_is_believed() -> None:
    silent, here, there = Unasked("one: does not answer"), Found(("192.0.2.1",)), Absent(exists=False)
    asks = [lambda _name, _kind, /, said=said: said for said in (silent, here, there)]
    assert resolve.first_of(asks)("example.org", "A") == here
    assert resolve.first_of(asks[:1])("example.org", "A") == silent
    assert resolve.first_of(())("example.org", "A") == resolve.NOBODY
