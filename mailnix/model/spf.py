"""Mechanisms of SPF (RFC 7208 5): further senders of a domain, as a description names them.

`fault` never raises, so that `mailnix check` can report every mistake at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Final

from attrs import frozen

from mailnix.model.names import MAX_NAME, to_ascii

MOST_LOOKUPS: Final = 10  # RFC 7208 4.6.4: of all terms together, and of those in what is included
_TERM: Final = re.compile(r"(?P<qualifier>[+?~-]?)(?P<name>[A-Za-z][A-Za-z0-9_.-]*)(?P<rest>[:/=].*)?", re.DOTALL)
_CIDR: Final = re.compile(r"(?:/(?P<four>\d{1,2}))?(?://(?P<six>\d{1,3}))?")
_MACRO: Final = re.compile(r"%\{[slodiphcrtv]\d*r?[.+,/_=-]*\}|%[%_-]", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_NAMED: Final = ("include", "exists")  # must have a domain
_HOSTS: Final = ("a", "mx")  # may have one, and the length of a network
_LOOKED_UP: Final = (*_NAMED, *_HOSTS, "ptr")
_ADDRESSES: Final = {"ip4": 4, "ip6": 6}
_WHOLE: Final = "v=spf1"


@frozen
class Fault:
    """What is wrong with a mechanism, and what to write."""

    message: str
    hint: str = ""


@frozen
class _Term:
    qualifier: str
    name: str
    rest: str  # with its first character, one of ":/="


def normal(text: str) -> str:
    """A mechanism as it is published: its name in lower case, domains as A-labels."""
    term = _term(text.strip())
    if term is None or not term.rest.startswith(":") or term.name in _ADDRESSES:
        return text.strip().lower() if term else text.strip()
    domain, slash, length = term.rest[1:].partition("/")
    return f"{term.qualifier}{term.name}:{domain if '%' in domain else _ascii(domain)}{slash}{length}"


def lookups(mechanisms: Iterable[str]) -> int:
    """How many of a receiver's ten look-ups these take, without those of what they include."""
    terms = (_term(text.strip()) for text in mechanisms)
    return sum(term is not None and term.name in _LOOKED_UP for term in terms)


def included(text: str) -> str:
    """The domain whose record a mechanism includes; empty where it includes none, or one that macros make."""
    term = _term(normal(text))
    named = term is not None and term.name == "include" and "%" not in term.rest
    return term.rest[1:] if term is not None and named else ""


def fault(text: str) -> Fault | None:
    """Why this is not a further mechanism of a domain's record, or None."""
    text = text.strip()
    if text.lower().startswith(_WHOLE):
        between = text[len(_WHOLE) :].split()
        inner = [each for each in between if each.lstrip("+-~?").lower() not in ("all", "mx")]
        write = ", ".join(f'"{each}"' for each in inner)
        return Fault("is a whole record; a domain has one, which is made of these", f"write the mechanisms: [{write}]")
    if len(text.split()) > 1:
        hint = f"write [{', '.join(repr(each) for each in text.split())}]".replace("'", '"')
        return Fault(f"{text[:60]!r} is several mechanisms", hint)
    term = _term(text)
    if term is None:
        return Fault(f"{text[:60]!r} is not a mechanism of SPF (RFC 7208 5)", _EXAMPLES)
    return _fault(term, text)


_EXAMPLES: Final = "write for example include:_spf.provider.example or ip4:203.0.113.7"


def _term(text: str) -> _Term | None:
    match = _TERM.fullmatch(text)
    return _Term(match["qualifier"], match["name"].lower(), match["rest"] or "") if match else None


def _fault(term: _Term, text: str) -> Fault | None:
    if term.name == "all":
        return Fault(
            f"{text!r}: the record ends with -all already, and what follows an all is not read", "leave it out"
        )
    if term.rest.startswith("="):
        why = "is never looked at in a record with an all" if term.name == "redirect" else "is a modifier"
        return Fault(f"{text[:60]!r} {why} (RFC 7208 6)", f"write include:{term.rest[1:]}")
    if term.name in _ADDRESSES:
        return _address(term, text)
    if term.name in _NAMED:
        domain = term.rest.removeprefix(":")
        whole = term.rest.startswith(":") and _is_domain(domain)
        return None if whole else Fault(f"{text[:60]!r} names no domain", f"write {term.name}:_spf.provider.example")
    if term.name in _HOSTS:
        return _hosts(term, text)
    if term.name == "ptr":
        why = "is slow, and receivers are told to leave it out (RFC 7208 5.5)"
        return Fault(f"{text[:60]!r} {why}", "name the addresses: ip4:… or a:…")
    return Fault(f"{text[:60]!r}: SPF has no mechanism {term.name!r}", _EXAMPLES)


def _address(term: _Term, text: str) -> Fault | None:
    number = _ADDRESSES[term.name]
    example = "ip4:203.0.113.7" if number == 4 else "ip6:2001:db8::/48"
    try:
        network = ip_network(term.rest.removeprefix(":"), strict=False)
    except ValueError:
        network = None
    if network is None or network.version != number or not term.rest.startswith(":"):
        return Fault(f"{text[:60]!r} names no IPv{number} address", f"write {example}")
    if network.prefixlen == 0:
        return Fault(f"{text[:60]!r} lets the whole internet send", f"name the sender's addresses: {example}")
    return None


def _hosts(term: _Term, text: str) -> Fault | None:
    domain, slash, length = term.rest.partition("/")
    cidr = _CIDR.fullmatch(slash + length)
    lengths = cidr is not None and int(cidr["four"] or 32) <= 32 and int(cidr["six"] or 128) <= 128
    if not lengths or (domain and not (domain.startswith(":") and _is_domain(domain[1:]))):
        return Fault(f"{text[:60]!r} names no host", f"write {term.name}:mail.provider.example")
    return None


def _ascii(domain: str) -> str:
    """Label by label, since IDNA knows none with `_`."""
    return ".".join(map(to_ascii, domain.removesuffix(".").split(".")))


def _is_domain(text: str) -> bool:
    """RFC 7208 7.1's domain-spec: labels, which SPF's own often begin with `_`, and macros."""
    name = _MACRO.sub("x", text) if "%" in text else _ascii(text)
    labels = name.removesuffix(".").split(".")
    last = labels[-1]
    whole = len(labels) > 1 or "%" in text  # a macro may stand for several labels
    return whole and len(name) <= MAX_NAME and not last.isdigit() and all(map(_LABEL.fullmatch, labels))
