"""A proxy with a key of its own for mail shows one certificate on 25 and Caddy's on 443, both for the same name."""

from __future__ import annotations

import pytest
from attrs import evolve

from mailnix.doctor.machines import facts, proxy
from mailnix.doctor.machines.asked import asked
from mailnix.doctor.machines.certificates import Certificate
from mailnix.doctor.machines.facts import Facts
from mailnix.doctor.values import Answer, Finding
from mailnix.plan import derive
from mailnix.services.dane.values import CERTIFICATE
from tests.descriptions import sound
from tests.doctor.machines import well
from tests.doctor.machines.test_well import found

PLAN = derive(sound(dane=True))
HOST = PLAN.proxies[0]
OWN = evolve(well.certificate(HOST.hostname), fingerprint="of its own key")


def said(in_file: Certificate | None = OWN, shown: Certificate | None = OWN, doubt: str = "") -> Facts:
    """What such a proxy says that shows this on 25 and has that in the file."""
    plain = well.proxy(PLAN, HOST)
    return evolve(
        plain,
        files=(*(plain.files or ()), facts.InFile(HOST.hostname, CERTIFICATE, True, in_file)),
        served=tuple(evolve(each, der=shown, doubt=doubt) if each.port == 25 else each for each in plain.served or ()),
    )


def ill(known: Facts) -> dict[str, Finding]:
    findings = found(proxy.GROUP, well.seen(known, HOST, PLAN))
    return {each.id: each for each in findings if each.answer is not Answer.WELL and "certificate" in each.id}


def test_it_is_asked_for_both_files() -> None:
    (own,) = (each for each in asked(PLAN, HOST, ["files"])["files"] if each["path"] == CERTIFICATE)
    assert own["name"] == HOST.hostname
    assert len(asked(PLAN, HOST, ["files"])["files"]) == len(HOST.certificate.names) + 1


def test_each_port_shows_its_own() -> None:
    assert ill(said()) == {}


@pytest.mark.parametrize("other", ["of Caddy's", "before"])
def test_what_is_shown_to_senders_is_compared_with_its_own_file(other: str) -> None:
    assert [*ill(said(shown=evolve(OWN, fingerprint=other)))] == ["proxy.certificate.served"]


def test_who_asks_for_it_is_named() -> None:
    (finding,) = ill(said(in_file=None)).values()
    assert "mailnix-acme" in finding.advice
    (finding,) = ill(said(doubt="self-signed certificate")).values()
    assert "mailnix-acme" in finding.advice
