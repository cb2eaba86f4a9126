"""Mail servers of an internet on loopback, with good, wrong and odd TLSA records, and what must come of mail to each.

The verdicts are those of RFC 7672; the live test asks Postfix for its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from rig.certificates import Certificate, make
from rig.internet import LACKS, OFFERS, Receiver, Verdict


def mail_exchanger(domain: str, host: str) -> tuple[str, ...]:
    """The MX and the address of a domain."""
    return (f"{domain}. 60 IN MX 10 {host}.", f"{host}. 60 IN A {{ip}}")


def tlsa(host: str, *data: str) -> tuple[str, ...]:
    """TLSA records of a host."""
    return tuple(f"_25._tcp.{host}. 60 IN TLSA {each}" for each in data)


def _plain(name: str, verdict: Verdict, certificate: Certificate, *data: str, **changes: object) -> Receiver:
    """One server mx.NAME with these TLSA records."""
    records = (*mail_exchanger(name, f"mx.{name}"), *tlsa(f"mx.{name}", *data))
    return Receiver(name, verdict, records, certificate, **changes)  # type: ignore[arg-type]


def end_entity() -> Iterator[Receiver]:
    """Usage 3, and records that cannot be used."""
    for usage in ((3, 1, 1), (3, 0, 1), (3, 1, 2), (3, 0, 2), (3, 1, 0), (3, 0, 0)):
        name = "ee" + "".join(map(str, usage))
        own = make(f"mx.{name}")
        yield _plain(name, Verdict.PROVEN, own, own.tlsa(*usage))
        if usage[2]:
            yield _plain(f"wrong-{name}", Verdict.WAITS, make(f"mx.wrong-{name}"), own.tlsa(*usage))
    odd, other = make("someone.else", expired=True), make("other")
    yield _plain("odd-ee", Verdict.PROVEN, odd, odd.tlsa(3, 1, 1))
    yield _plain("rollover", Verdict.PROVEN, odd, other.tlsa(3, 1, 1), odd.tlsa(3, 1, 1))
    yield _plain("agility", Verdict.WAITS, odd, odd.tlsa(3, 1, 1), other.tlsa(3, 1, 2))
    yield _plain("pkix", Verdict.ENCRYPTED, odd, other.tlsa(1, 1, 1), other.tlsa(0, 0, 1))
    yield _plain("unknown", Verdict.ENCRYPTED, odd, "3 1 7 " + 32 * "ab", "9 1 1 " + 32 * "ab", "3 5 1 " + 32 * "ab")
    yield _plain("pkix-and-ee", Verdict.PROVEN, odd, other.tlsa(1, 1, 1), odd.tlsa(3, 1, 1))


def trust_anchor() -> Iterator[Receiver]:
    """Usage 2."""
    root = make("root", authority=True)
    middle = make("middle", root, authority=True)
    for usage in ((2, 0, 1), (2, 1, 1), (2, 1, 2), (2, 0, 0)):
        name = "ta" + "".join(map(str, usage))
        yield _plain(name, Verdict.PROVEN, make(f"mx.{name}", middle), root.tlsa(*usage))
    yield _plain("ta-middle", Verdict.PROVEN, make("mx.ta-middle", middle), middle.tlsa(2, 1, 1), sent=2)
    yield _plain("ta-domain", Verdict.PROVEN, make("ta-domain", root), root.tlsa(2, 1, 1))
    yield _plain("ta-misnamed", Verdict.WAITS, make("mx.other", root), root.tlsa(2, 1, 1))
    yield _plain("ta-other", Verdict.WAITS, make("mx.ta-other", root), make("x", authority=True).tlsa(2, 0, 1))
    yield _plain("ta-not-sent", Verdict.WAITS, make("mx.ta-not-sent", root), root.tlsa(2, 0, 1), sent=1)
    yield _plain("ta-in-dns", Verdict.PROVEN, make("mx.ta-in-dns", root), root.tlsa(2, 0, 0), sent=1)
    yield _plain("ta-key-in-dns", Verdict.PROVEN, make("mx.ta-key-in-dns", root), root.tlsa(2, 1, 0), sent=1)
    yield _plain("ta-expired", Verdict.WAITS, make("mx.ta-expired", root, expired=True), root.tlsa(2, 1, 1))
    no_authority = make("mx.ta-leaf", make("leaf", root))
    yield _plain("ta-leaf", Verdict.WAITS, no_authority, root.tlsa(2, 1, 1))
    alone = make("mx.ta-alone")
    yield _plain("ta-alone", Verdict.WAITS, alone, alone.tlsa(2, 1, 1))


def without_tls() -> Iterator[Receiver]:
    """Servers that have records but do not speak TLS, each in its way."""
    own = make("any")
    good, unusable = own.tlsa(3, 1, 1), own.tlsa(1, 1, 1)
    yield _plain("no-starttls", Verdict.WAITS, own, good, replies=LACKS)
    yield _plain("no-starttls-pkix", Verdict.WAITS, own, unusable, replies=LACKS)
    yield _plain("starttls-454", Verdict.WAITS, own, good, replies={**OFFERS, "STARTTLS": "454 4.7.0 not now"})
    for code in (
        "502 5.5.1 no",
        "554 5.7.1 never",
    ):  # a policy that fails is no word about the message: it may be mended
        replies, bounces = {**OFFERS, "STARTTLS": code}, Verdict.BOUNCES
        yield _plain(f"starttls-{code[:3]}", Verdict.WAITS, own, good, replies=replies, in_postfix=bounces)
    yield _plain("ehlo-502", Verdict.WAITS, own, good, replies={"EHLO": "502 5.5.1 old"})
    yield _plain("greeting-554", Verdict.WAITS, own, good, replies={"": "554 5.7.1 go away"})
    yield _plain("clear", Verdict.CLEAR, own, replies=LACKS)
    yield _plain("whoever", Verdict.ENCRYPTED, own)


def names() -> Iterator[Receiver]:
    """What DNS vouches for, and what not."""
    own, other = make("any"), make("other")
    good, wrong = own.tlsa(3, 1, 1), other.tlsa(3, 1, 1)
    insecure = (*mail_exchanger("a.plain", "mx.a.plain"), *tlsa("mx.a.plain", wrong))
    yield Receiver("a.plain", Verdict.ENCRYPTED, insecure, own)
    yield from _below_an_unsigned_domain(own, good, wrong)
    yield Receiver("implicit", Verdict.PROVEN, ("implicit. 60 IN A {ip}", *tlsa("implicit", good)), own)
    address = "implicit-wrong. 60 IN A {ip}"
    yield Receiver("implicit-wrong", Verdict.WAITS, (address, *tlsa("implicit-wrong", wrong)), own)
    yield _plain("bogus-tlsa", Verdict.WAITS, own, good, broken=("_25._tcp.mx.bogus-tlsa.",))
    yield _plain("bogus-mx", Verdict.WAITS, own, good, broken=("bogus-mx.",))
    yield _plain("bogus-address", Verdict.WAITS, own, good, broken=("mx.bogus-address.",))
    alias = ("alias. 60 IN MX 10 mx.alias.", "mx.alias. 60 IN CNAME real.alias.", "real.alias. 60 IN A {ip}")
    yield Receiver("alias", Verdict.PROVEN, (*alias, *tlsa("real.alias", good)), own)
    yield Receiver(
        "alias-own", Verdict.PROVEN,
        (*(line.replace("alias.", "alias-own.") for line in alias), *tlsa("mx.alias-own", good)), own,
    )  # fmt: skip
    out = ("alias-out. 60 IN MX 10 mx.alias-out.", "mx.alias-out. 60 IN CNAME e.plain.", "e.plain. 60 IN A {ip}")
    yield Receiver("alias-out", Verdict.WAITS, (*out, *tlsa("mx.alias-out", wrong)), own)


def _below_an_unsigned_domain(own: Certificate, good: str, wrong: str) -> Iterator[Receiver]:
    """The MX record could be forged, the server's TLSA records could not: they count (RFC 7672 2.2.1).

    Postfix does the same, says no more than "Trusted", and lets the name in a certificate of usage 2 pass.
    """
    anchor = make("anchor", authority=True)
    misnamed = make("d.plain", anchor)
    for name, data, verdict, in_postfix, certificate in (
        ("b.plain", good, Verdict.PROVEN, Verdict.ENCRYPTED, own),
        ("c.plain", wrong, Verdict.WAITS, Verdict.WAITS, own),
        ("d.plain", anchor.tlsa(2, 1, 1), Verdict.WAITS, Verdict.ENCRYPTED, misnamed),
    ):
        host = f"mx-{name[0]}"
        records = (*mail_exchanger(name, host), *tlsa(host, data))
        yield Receiver(name, verdict, records, certificate, in_postfix=in_postfix)


def dane() -> tuple[Receiver, ...]:
    """All of them."""
    return (*end_entity(), *trust_anchor(), *without_tls(), *names())
