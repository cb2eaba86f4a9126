"""How a server is asked, and its answer read.

A question is asked thrice, with more patience each time, of every address of a server, and at last over TCP: so neither
one lost packet nor a network that drops large ones decides.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from functools import partial
from typing import Final, Protocol

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
from attrs import evolve

from mailnix.errors import one_line
from mailnix.resolve.values import NOBODY, Absent, Answer, Ask, Found, Question, Server, Unasked

PATIENCE: Final = (1.5, 3.0, 5.0)
"""Seconds to wait for each address, a round each; the last round is over TCP."""
PAYLOAD: Final = 1232  # bytes, which are never fragmented (dnsflagday.net/2020)
SAID: Final = 200  # characters of a server's own words that are shown
TOGETHER: Final = 16  # questions under way
NO_WAY: Final = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""What a machine says of addresses to which it has no way: without IPv6, say."""
_WITHOUT_EDNS: Final = (dns.rcode.FORMERR, dns.rcode.NOTIMP)


class Exchange(Protocol):
    """How a question travels; tests pass a fake."""

    def __call__(
        self, query: dns.message.Message, address: str, port: int, seconds: float, *, tcp: bool
    ) -> dns.message.Message:
        """The answer; raises OSError, EOFError or DNSException where none came."""
        ...


def over_network(
    query: dns.message.Message, address: str, port: int, seconds: float, *, tcp: bool
) -> dns.message.Message:
    """Ask over UDP, and over TCP where the answer does not fit or `tcp` says so."""
    if tcp:
        return dns.query.tcp(query, address, seconds, port)
    # What comes from elsewhere, or answers another question, is waited past: it may be forged.
    return dns.query.udp_with_fallback(query, address, seconds, port, ignore_unexpected=True, ignore_errors=True)[0]


class Way(Enum):
    """How a server is asked: the flags of a question (RFC 1035 4.1.1, RFC 4035 3.2.2)."""

    RECURSIVE = dns.flags.RD
    UNCHECKED = dns.flags.RD | dns.flags.CD
    AUTHORITATIVE = 0


def recursive(where: Server, exchange: Exchange = over_network) -> Ask:
    """Ask a server that asks others, or one that is to be taken at its word."""
    return partial(_answered, where, exchange, Way.RECURSIVE)


def unchecked(where: Server, exchange: Exchange = over_network) -> Ask:
    """Ask a server that asks others for what there is, whether DNSSEC proves it or proves it wrong."""
    return partial(_answered, where, exchange, Way.UNCHECKED)


def authoritative(where: Server, exchange: Exchange = over_network) -> Ask:
    """Ask a server for what it is an authority of; what it says otherwise is no answer."""
    return partial(_answered, where, exchange, Way.AUTHORITATIVE)


def first_of(asks: Iterable[Ask], nobody: Unasked = NOBODY) -> Ask:
    """Ask one after the other until one can say; `nobody` where there is none."""
    each_of = tuple(asks)

    def asked(name: str, kind: str, /) -> Answer:
        answer: Answer = nobody
        for ask in each_of:
            answer = ask(name, kind)
            if not isinstance(answer, Unasked):
                break
        return answer

    return asked


def together(ask: Ask, questions: Iterable[Question]) -> Mapping[Question, Answer]:
    """Ask many questions at a time, each once."""
    wanted = list(dict.fromkeys(questions))
    with ThreadPoolExecutor(TOGETHER) as pool:
        return dict(zip(wanted, pool.map(lambda question: ask(*question), wanted), strict=True))


def _answered(where: Server, exchange: Exchange, way: Way, name: str, kind: str, /) -> Answer:
    if not _is_name(name):
        return Absent(exists=False)
    why, edns = Unasked(f"no address of {where.name} is known", no_way=bool(where.addresses)), True
    for round_, seconds in enumerate(PATIENCE, start=1):
        for address in where.addresses:
            query = _query(name, kind, way, edns)
            try:
                response = exchange(query, address, where.port, seconds, tcp=round_ == len(PATIENCE))
                answer = _read(response, way is Way.AUTHORITATIVE)
            except (OSError, EOFError, dns.exception.DNSException) as error:
                answer = Unasked(_in_words(error), no_way=isinstance(error, OSError) and error.errno in NO_WAY)
            if not isinstance(answer, Unasked):
                return answer
            edns = edns and answer.rcode not in map(dns.rcode.to_text, _WITHOUT_EDNS)
            if why.no_way or not answer.no_way:  # of another address there is more to say
                why = evolve(answer, why=f"{_called(where, address)}: {answer.why}")
    return why


def _is_name(text: str) -> bool:
    """Whether there can be such a name (RFC 1035 2.3.4): others' records and people name things that cannot."""
    try:
        dns.name.from_text(text)
    except dns.exception.DNSException:
        return False
    return True


def _called(where: Server, address: str) -> str:
    return where.name if where.name.startswith((address, f"[{address}]")) else f"{where.name} ({address})"


def _query(name: str, kind: str, way: Way, edns: bool) -> dns.message.Message:
    query = dns.message.make_query(dns.name.from_text(name), kind, use_edns=edns, payload=PAYLOAD if edns else None)
    query.flags = dns.flags.AD | way.value  # AD asks for it (RFC 6840 5.7)
    return query


def _read(response: dns.message.Message, authority: bool) -> Answer:
    rcode = response.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        said = dns.rcode.to_text(rcode)
        return Unasked(f"answers {said}{_explained(response)}", said)
    is_authority = bool(response.flags & dns.flags.AA)
    if authority and not is_authority:
        return Unasked("answers without authority: it does not have this zone, or somebody in between answered")
    chain = response.resolve_chaining()  # type: ignore[attr-defined]  # of what answers a query
    aliases = tuple(str(each[0].target).rstrip(".").lower() for each in chain.cnames)
    proven = bool(response.flags & dns.flags.AD)
    if chain.answer is not None:
        records = sorted(record.to_text() for record in chain.answer)
        return Found(tuple(records), aliases, chain.minimum_ttl, proven)
    referred = any(each.rdtype == dns.rdatatype.NS for each in response.authority)
    if referred and not is_authority and not aliases and not _has_soa(response):
        return Unasked("only names other servers: it does not ask them")
    return Absent(rcode == dns.rcode.NOERROR, aliases, proven)


def _has_soa(response: dns.message.Message) -> bool:
    return any(each.rdtype == dns.rdatatype.SOA for each in response.authority)


def _explained(response: dns.message.Message) -> str:
    """What a server adds to its refusal (RFC 8914)."""
    said = [each for each in response.options if isinstance(each, dns.edns.EDEOption)]
    words = [each.text or dns.edns.EDECode(each.code).name.replace("_", " ").lower() for each in said]
    return f" ({one_line(', '.join(words), SAID)})" if words else ""


def _in_words(error: Exception) -> str:
    match error:
        case dns.exception.Timeout():
            return "does not answer"
        case OSError() if error.errno in NO_WAY:
            return "this machine has no way there"
        case OSError():
            return error.strerror or "cannot be reached"
        case EOFError():
            return "ends the connection"
        case _:
            return f"answers what cannot be read: {one_line(str(error), SAID)}"
