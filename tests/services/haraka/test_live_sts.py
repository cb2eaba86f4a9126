"""MTA-STS in haraka-out, beside Postfix with the policies that postfix-tlspol documents for the same domains.

postfix-tlspol answers `secure match=… servername=hostname` where a domain's policy is in enforce mode, and nothing
else for MTA-STS (its README, "Logic").
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from attrs import evolve, frozen

from rig import internet as internets
from rig import signed_dns, until
from rig.certificates import Certificate, make
from rig.internet import LACKS, OFFERS, Internet, Receiver, Site, Verdict
from tests.services.haraka.receivers import mail_exchanger, tlsa

pytestmark = pytest.mark.skipif(bool(internets.missing()), reason=internets.missing() or "runs")

ROOT = make("public authority", authority=True)
PROVEN, ENCRYPTED, CLEAR, WAITS = Verdict.PROVEN, Verdict.ENCRYPTED, Verdict.CLEAR, Verdict.WAITS


@frozen
class Case:
    """A domain with a policy, its server and its site."""

    receiver: Receiver
    site: Site
    match: str = ""  # of Postfix's policy; none where postfix-tlspol gives none


def case(
    name: str, verdict: Verdict, *, mode: str = "enforce", mx: str = "", match: str = "", dane: str = "",
    certificate: Certificate | None = None, replies: Mapping[str, str] = OFFERS, in_postfix: Verdict | None = None,
    **site: object,
) -> Case:  # fmt: skip
    host = f"mx.{name}"
    mx = mx or host
    records = (*mail_exchanger(name, host), f'_mta-sts.{name}. 60 IN TXT "v=STSv1; id=1;"')
    records += tlsa(host, dane) if dane else ()
    own = certificate or make(host, ROOT)
    receiver = Receiver(name, verdict, records, own, replies=replies, in_postfix=in_postfix or verdict)
    text = f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 86400\n"
    given = {"text": text, "certificate": make(f"mta-sts.{name}", ROOT)} | site
    return Case(receiver, Site(**given), match)  # type: ignore[arg-type]


def cases() -> Iterator[Case]:
    yield case("good", PROVEN, match="mx.good")
    yield case("wildcard", PROVEN, mx="*.wildcard", match=".wildcard")
    yield case("untrusted", WAITS, match="mx.untrusted", certificate=make("mx.untrusted"))
    yield case("misnamed", WAITS, match="mx.misnamed", certificate=make("mx.other", ROOT))
    yield case("expired", WAITS, match="mx.expired", certificate=make("mx.expired", ROOT, expired=True))
    yield case("unlisted", WAITS, mx="other.unlisted", match="other.unlisted")
    yield case("no-starttls", WAITS, match="mx.no-starttls", replies=LACKS)
    yield case("testing", ENCRYPTED, mode="testing", certificate=make("mx.other"))
    yield case("testing-clear", CLEAR, mode="testing", replies=LACKS)
    yield case("none", ENCRYPTED, mode="none", certificate=make("mx.none"))
    # Policies that are not there
    self_signed = make("anybody")
    yield case("moved", ENCRYPTED, status=301, certificate=self_signed)
    yield case("missing", ENCRYPTED, status=404)
    yield case("html", ENCRYPTED, content_type="text/html")
    yield case("huge", ENCRYPTED, text="version: STSv1\nmode: enforce\nmx: x.y\nmax_age: 86400\n" + "x: y\n" * 20_000)
    yield case("nonsense", ENCRYPTED, text="hello")
    yield case("silent", ENCRYPTED, status=0)
    # DANE goes first
    ours = make("anybody")
    yield case("dane-good", PROVEN, mx="other.dane-good", dane=ours.tlsa(3, 1, 1), certificate=ours)
    yield case("dane-wrong", WAITS, dane=ours.tlsa(3, 1, 1))


CASES = (
    *cases(),
    *(
        evolve(each, site=evolve(each.site, certificate=certificate))
        for each, certificate in (
            (case("site-untrusted", ENCRYPTED), make("mta-sts.site-untrusted")),
            (case("site-misnamed", ENCRYPTED), make("site-misnamed", ROOT)),
        )
    ),
)
SOMEWHERE = Receiver("somewhere.test", ENCRYPTED, mail_exchanger("somewhere.test", "mx.somewhere.test"), make("any"))
DOMAINS = [each.receiver.domain for each in CASES]


@pytest.fixture(scope="module")
def world() -> Iterator[Internet]:
    sites = {each.receiver.domain: each.site for each in CASES}
    receivers = [each.receiver for each in CASES]
    with internets.internet([*receivers, SOMEWHERE], sites) as running:
        (running.stand.folder / "roots.pem").write_bytes(ROOT.pem)
        yield running


@pytest.fixture(scope="module")
def by_postfix(world: Internet) -> Mapping[str, Verdict]:
    policies = ", ".join(
        f"{{ {each.receiver.domain} = secure match={each.match} servername=hostname }}" for each in CASES if each.match
    )
    settings = (
        "smtp_tls_security_level = dane\n"
        f"smtp_tls_CAfile = {world.stand.folder}/roots.pem\n"
        f"smtp_tls_policy_maps = inline:{{ {policies} }}\n"
    )
    return internets.through_postfix(world, DOMAINS, settings)


@pytest.fixture(scope="module")
def by_haraka(world: Internet) -> Mapping[str, Verdict]:
    return internets.through_haraka(world, DOMAINS, roots=str(world.stand.folder / "roots.pem"))


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.receiver.domain)
def test_a_policy_decides_where_mail_goes(
    by_haraka: Mapping[str, Verdict], by_postfix: Mapping[str, Verdict], each: Case
) -> None:
    domain = each.receiver.domain
    assert (by_haraka[domain], by_postfix[domain]) == (each.receiver.verdict, each.receiver.in_postfix)


def test_a_policy_is_kept_on_disk_and_asked_for_once(world: Internet, by_haraka: Mapping[str, Verdict]) -> None:
    assert by_haraka["good"] == PROVEN
    kept = json.loads((world.stand.folder / "policies/mta-sts/good.json").read_text())
    assert kept["policy"] == {"mode": "enforce", "mx": ["mx.good"], "max_age": 86400}
    before = list(world.asked["good"])
    assert before == ["/.well-known/mta-sts.txt"]
    again = internets.through_haraka(world, ["good"], roots=str(world.stand.folder / "roots.pem"))
    assert again["good"] == PROVEN
    assert world.asked["good"] == before


def test_sessions_are_counted_by_domain_and_policy(world: Internet, by_haraka: Mapping[str, Verdict]) -> None:
    del by_haraka
    until(lambda: "dane-wrong" in internets.counts(world), "everything is counted")
    counted = internets.counts(world)
    assert counted["misnamed"]["sts"]["failures"][0]["type"] == "certificate-host-mismatch"
    assert counted["untrusted"]["sts"]["failures"][0]["type"] == "certificate-not-trusted"
    assert counted["expired"]["sts"]["failures"][0]["type"] == "certificate-expired"
    assert counted["no-starttls"]["sts"]["failures"][0]["type"] == "starttls-not-supported"
    assert counted["testing"]["sts"]["failures"][0]["type"] == "certificate-not-trusted"
    assert counted["site-untrusted"]["sts"]["failures"][0]["type"] == "sts-webpki-invalid"
    assert counted["missing"]["sts"]["failures"][0]["type"] == "sts-policy-fetch-error"
    assert counted["nonsense"]["sts"]["failures"][0]["type"] == "sts-policy-invalid"
    assert counted["dane-wrong"]["tlsa"]["failed"] == 1
    assert counted["good"]["sts"]["failed"] == 0


def test_a_resolver_without_the_root_is_not_believed(world: Internet, tmp_path: Path) -> None:
    """unbound knows by itself that there is nothing below `test.` (RFC 6761): no news where it reaches nothing."""
    net = world.nameserver.rpartition(".")[0]
    nowhere = evolve(world.authority, address=f"{net}.98")
    options = {"machine_nameserver": world.authority.address, "roots": str(world.stand.folder / "roots.pem")}
    with signed_dns.resolver(tmp_path / "unbound", f"{net}.97", nowhere) as lost:
        found = internets.through_haraka(world, ["somewhere.test"], validator=lost.address, **options)
    assert found == {"somewhere.test": ENCRYPTED}


def test_without_a_resolver_that_works_mail_leaves_but_not_past_what_is_known(
    world: Internet, by_haraka: Mapping[str, Verdict]
) -> None:
    """A network without port 53: the machine's own resolver still answers, and what was learned before still counts."""
    del by_haraka
    mute = f"{world.nameserver.rsplit('.', 1)[0]}.99"
    domains = ["good", "untrusted", "none", "dane-good", "dane-wrong"]
    found = internets.through_haraka(
        world, domains, validator=mute, machine_nameserver=world.nameserver, roots=f"{world.stand.folder}/roots.pem"
    )
    wanted = {"good": PROVEN, "untrusted": WAITS, "none": ENCRYPTED, "dane-good": WAITS, "dane-wrong": WAITS}
    assert found == wanted
