"""What there is, what there is not, and what nobody could say are told apart, whatever gets lost on the way."""

from __future__ import annotations

import errno

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from mailnix import resolve
from mailnix.resolve import PATIENCE, Absent, Answer, Found, Server, Unasked
from tests.resolve.network import HERE, Network, Reply


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
