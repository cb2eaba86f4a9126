"""What strangers find at the proxies' ports, judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from mailnix.doctor import certificates
from mailnix.doctor.here import SMTP, Reached, Replies, Served, Spoken
from mailnix.doctor.outside import relaying
from mailnix.doctor.outside.facts import OutsideFacts, Place
from mailnix.doctor.values import Answer, Severity, Verdict
from mailnix.model import ports
from mailnix.plan.policies import CERTIFICATE_AUTHORITY
from mailnix.services.dane.values import RENEW

ELSEWHERE: Final = "look from another network"
OFFERS_AUTH: Final = "AUTH"
SOON: Final = 6
LATE: Final = 20
"""A certificate is renewed when a third of its time is left: a sixth means that this failed, a twentieth is urgent."""


def open_ports(facts: OutsideFacts) -> Iterator[Verdict]:
    """Every public port of the plan answers."""
    for place, spoken in _once(facts):
        yield _open(facts, place, spoken.reached)


def _once(facts: OutsideFacts) -> Iterator[tuple[Place, Spoken]]:
    """One session a port: the web server has one for each of its names."""
    return iter({place.at: (place, spoken) for place, spoken in reversed(list(facts.sessions.items()))}.values())


def _open(facts: OutsideFacts, place: Place, reached: Reached) -> Verdict:
    control = facts.controls.get(place.beside, Reached.YES)
    if reached is Reached.YES:
        return Verdict(place.at, Answer.WELL, reached.value)
    if reached is Reached.NO_ROUTE:
        return Verdict(place.at, Answer.UNASKED, reached.value, ELSEWHERE)
    if reached is Reached.SILENT and control is Reached.NO_ROUTE:
        evidence = f"{reached.value}, and the names of others that it is compared with could not be looked up"
        return Verdict(place.at, Answer.UNASKED, evidence, "mend this machine's DNS, or name one: --resolver ADDRESS")
    if reached is Reached.SILENT and control is not Reached.YES:
        evidence = f"this network lets nothing out to port {place.port}: others do not answer there either"
        return Verdict(place.at, Answer.UNASKED, evidence, ELSEWHERE)
    advice = "see whether the proxy runs, and whether a firewall of its provider lets the port in"
    return Verdict(place.at, Answer.ABSENT, reached.value, advice)


def _of_heard(
    facts: OutsideFacts,
    wanted: Callable[[Place], bool],
    judge: Callable[[Place, Spoken], Verdict],
    *,
    in_tls: bool = False,
) -> Iterator[Verdict]:
    """A verdict on each session that began, or that came to TLS; where one did not is told once, under its own id.

    Where none did, nobody could be asked.
    """
    asked = [(place, spoken) for place, spoken in facts.sessions.items() if wanted(place)]
    heard = [each for each in asked if each[1].reached is Reached.YES and (each[1].served or not in_tls)]
    yield from (judge(place, spoken) for place, spoken in heard)
    if asked and not heard:
        place, spoken = asked[0]
        yield Verdict(place.at, Answer.UNASKED, spoken.why or spoken.reached.value, ELSEWHERE)


def greeting(facts: OutsideFacts) -> Iterator[Verdict]:
    """Port 25 greets, and answers EHLO, with the name that the address has."""
    return _of_heard(facts, lambda place: place.port == ports.SMTP, _greeting)


def _greeting(place: Place, spoken: Spoken) -> Verdict:
    said = spoken.greeting.removeprefix("220").lstrip("- ").split()
    if not spoken.greeting.startswith("220"):
        evidence = spoken.greeting or spoken.why or "says nothing"
        advice = "see the journal of haraka-in: mailnix doctor CONFIG --only proxy"
        return Verdict(place.at, Answer.WRONG, evidence, advice)
    own = {*said[:1], *(offer.split()[0] for offer in spoken.offers[:1] if offer)}
    if {each.lower() for each in own} != {place.name}:
        evidence = f"calls itself {' and '.join(sorted(own))}"
        advice = f"it should be {place.name}: mailnix deploy CONFIG"
        return Verdict(place.at, Answer.WRONG, evidence, advice, severity=Severity.WARNING)
    return Verdict(place.at, Answer.WELL, spoken.greeting)


def tls(facts: OutsideFacts) -> Iterator[Verdict]:
    """TLS begins wherever it is described."""
    return _of_heard(facts, lambda place: bool(place.speaks), _tls)


def _tls(place: Place, spoken: Spoken) -> Verdict:
    subject = f"{place.at} {place.name}"
    if spoken.served is not None:
        return Verdict(subject, Answer.WELL, "STARTTLS" if place.starttls else "TLS")
    advice = "see whether there is a certificate: mailnix doctor CONFIG --only proxy --only internal"
    return Verdict(subject, Answer.WRONG, spoken.why or "TLS does not begin", advice)


def certificate(facts: OutsideFacts) -> Iterator[Verdict]:
    """A certificate that clients take, with time left, wherever TLS begins."""
    return _of_heard(
        facts,
        lambda place: bool(place.speaks),
        lambda place, spoken: _certificate(facts.now, place, spoken.served),
        in_tls=True,
    )


RENEWING: Final = (
    f"see the journal of who asks for it (Caddy for 25 and 443, with `dane` {RENEW} for 25,"
    " Mailcow's acme container for the others)"
)


def _certificate(now: datetime, place: Place, served: Served | None) -> Verdict:
    subject = f"{place.at} {place.name}"
    if served is None or not served.certificate:
        why = (served.fault if served else "") or "none was shown"
        return Verdict(subject, Answer.UNASKED, why, "ask again later")
    if not certificates.is_sound(served):
        return Verdict(subject, Answer.WRONG, "what it shows is no certificate that can be read", RENEWING)
    begins, ends = certificates.time(served)
    left, whole = ends - now, ends - begins
    evidence = f"{left.days} days left, from {certificates.issuer(served)}"
    if served.fault:
        return Verdict(subject, Answer.WRONG, f"clients refuse it: {served.fault} ({evidence})", RENEWING)
    if left < whole / SOON:
        severity = Severity.FAILURE if left < whole / LATE else Severity.WARNING
        return Verdict(subject, Answer.WRONG, f"not renewed: {evidence}", RENEWING, severity=severity)
    return Verdict(subject, Answer.WELL, evidence)


ISSUERS: Final = {
    "Let's Encrypt": "letsencrypt.org",
    "ZeroSSL": "sectigo.com",
    "Sectigo Limited": "sectigo.com",
    "Google Trust Services": "pki.goog",
    "Buypass AS-983163327": "buypass.com",
    "DigiCert Inc": "digicert.com",
    "GlobalSign nv-sa": "globalsign.com",
}
"""How authorities call themselves in certificates, and in CAA records (their own documentation)."""


def issuer(facts: OutsideFacts) -> Iterator[Verdict]:
    """The authority whose certificates are shown is the one that CAA records name: others' are not renewed."""
    served = ((place.at, spoken.served) for place, spoken in facts.heard())
    shown = {at: each for at, each in served if each and certificates.is_sound(each)}
    if facts.sessions and not shown:
        yield Verdict(next(iter(facts.sessions)).at, Answer.UNASKED, "no certificate was shown", ELSEWHERE)
    for at, each in shown.items():
        name = certificates.issuer(each)
        authority = ISSUERS.get(name, CERTIFICATE_AUTHORITY)  # of one that we do not know nothing bad is said
        if authority == CERTIFICATE_AUTHORITY:
            yield Verdict(at, Answer.WELL, f"from {name}")
            continue
        advice = f"see who asks {authority} for it: the published CAA records allow {CERTIFICATE_AUTHORITY}"
        yield Verdict(at, Answer.WRONG, f"from {name}, which may not sign again", advice)


def login(facts: OutsideFacts) -> Iterator[Verdict]:
    """Ports that send mail offer a login in TLS, and none before."""
    return _of_heard(facts, _sends, _login, in_tls=True)


def _sends(place: Place) -> bool:
    return place.speaks == SMTP and place.port != ports.SMTP


def _login(place: Place, spoken: Spoken) -> Verdict:
    if _offers_auth(spoken.offers):
        advice = "bring Mailcow to its description: mailnix deploy CONFIG"
        return Verdict(place.at, Answer.WRONG, "takes passwords without TLS", advice)
    if spoken.offers_in_tls and not _offers_auth(spoken.offers_in_tls):
        return Verdict(place.at, Answer.ABSENT, "offers no login", "see the logs of Mailcow's Postfix and Dovecot")
    if not spoken.offers_in_tls:
        return Verdict(place.at, Answer.UNASKED, spoken.why or "TLS did not begin", "mend TLS there first")
    return Verdict(place.at, Answer.WELL, "in TLS only")


def _offers_auth(offers: tuple[str, ...]) -> bool:
    return any(each.upper().split()[:1] == [OFFERS_AUTH] for each in offers)


def relay(facts: OutsideFacts) -> Iterator[Verdict]:
    """Nobody sends to others through these ports without a login."""
    heard = {place: said for place, said in facts.relays.items() if said.reached is Reached.YES}
    for place, said in heard.items():
        yield _relay(facts, place, said)
    if facts.relays and not heard:
        place, said = next(iter(facts.relays.items()))
        yield Verdict(place.at, Answer.UNASKED, said.reached.value, ELSEWHERE)


def _relay(facts: OutsideFacts, place: Place, heard: Replies) -> Verdict:
    said = dict(relaying.answers(relaying.attempts(facts.plan, place.port), heard))
    for what, answer in said.items():
        if answer.startswith("2"):
            advice = "stop haraka-in (25) or Mailcow (others) now: spam is sent through it within hours"
            return Verdict(place.at, Answer.WRONG, f"takes mail {what}: {answer}", advice)
    unsure = {what: answer for what, answer in said.items() if not relaying.denies(answer)}
    if unsure:
        what, answer = next(iter(unsure.items()))
        return Verdict(place.at, Answer.UNASKED, f"{what}: {answer or heard.why or 'no answer'}", "ask again later")
    return Verdict(place.at, Answer.WELL, f"refuses {len(said)} ways: {next(iter(said.values()))}")
