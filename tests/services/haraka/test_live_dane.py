"""haraka-out beside Postfix with `smtp_tls_security_level = dane`: the same mails, servers and unbound."""

from collections.abc import Iterator, Mapping

import pytest
from attrs import frozen

from rig import internet as internets
from rig import until
from rig.certificates import make
from rig.internet import Internet, Receiver, Verdict
from tests.attacks.marks import Kind, attack, attacks
from tests.services.haraka.receivers import dane

pytestmark = pytest.mark.skipif(bool(internets.missing()), reason=internets.missing() or "runs")

RECEIVERS = dane()
TWO = Receiver(
    "two", Verdict.PROVEN, ("two. 60 IN MX 10 mx.wrong-ee311.", "two. 60 IN MX 20 mx.ee311."), make("nobody")
)
DOMAINS = [each.domain for each in RECEIVERS]


@frozen
class Outcome:
    """What came of mail to one receiver, by sender."""

    haraka: Verdict
    postfix: Verdict


@pytest.fixture(scope="module")
def world() -> Iterator[Internet]:
    with internets.internet([*RECEIVERS, TWO]) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(world: Internet) -> Mapping[str, Outcome]:
    """Every receiver's, all mails sent at once."""
    postfix = internets.through_postfix(world, DOMAINS, "smtp_tls_security_level = dane\n")
    haraka = internets.through_haraka(world, DOMAINS)
    return {domain: Outcome(haraka[domain], postfix[domain]) for domain in DOMAINS}


def verdict_on(receiver: Receiver) -> str:
    different = f" (Postfix: {receiver.in_postfix})" if receiver.in_postfix != receiver.verdict else ""
    return f"{receiver.verdict}{different}"


@pytest.mark.parametrize(
    "receiver",
    attacks(
        Kind.DNS,
        RECEIVERS,
        name=lambda receiver: f"DANE: {receiver.domain}",
        right=verdict_on,
        source="RFC 7672 2, 3; Postfix smtp_tls_security_level = dane",
        postfix=True,
    ),
)
def test_mail_goes_where_dns_means_it_to_go(outcomes: Mapping[str, Outcome], receiver: Receiver) -> None:
    assert outcomes[receiver.domain] == Outcome(receiver.verdict, receiver.in_postfix)


@attack(Kind.DNS, right="delivered to the next over TLS", source="RFC 7672 2.2")
def test_the_next_server_gets_what_the_first_must_not(world: Internet, outcomes: Mapping[str, Outcome]) -> None:
    del outcomes  # its mails are all sent
    second = world.servers["ee311"]
    second.secured.clear()
    with internets.haraka_out(world) as server:
        internets.send(server.port, "127.0.0.2", TWO.domain)
        until(lambda: bool(second.secured), "the second server has the mail")
    assert second.secured == [True]
    assert not world.servers["wrong-ee311"].messages


def test_a_mail_that_waits_says_why(world: Internet) -> None:
    with internets.haraka_out(world) as server:
        internets.send(server.port, "127.0.0.2", "wrong-ee311")
        until(lambda: "delayed" in server.log, "haraka-out has tried")
    why = "its certificate is not that of its TLSA records"
    assert f"<dave@wrong-ee311> delayed: mx.wrong-ee311[{world.servers['wrong-ee311'].host}]: {why}" in server.log
