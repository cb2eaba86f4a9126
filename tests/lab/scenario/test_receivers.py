"""Mail to domains with policies: what is proven, what waits, and what would be wrong, with machines played by fakes."""

from __future__ import annotations

import json

import pytest

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene, receivers

from .conftest import Guests

ARRIVED = (
    "Received: from mail.example.org (mail.example.org [203.0.113.10]) by mx.elsewhere.test with ESMTPS id 1\n\nhi\n"
)
PROVEN = {
    "tlsa-right.elsewhere.test": {"tlsa": {"successful": 1}},
    "sts-right.elsewhere.test": {"sts": {"successful": 1}},
}
TLSA = "<carol@tlsa-wrong.elsewhere.test> delayed: mx.x[192.0.2.1]: its certificate is not that of its TLSA records"
STS = "<carol@sts-wrong.elsewhere.test> delayed: mx.x[192.0.2.1]: the MTA-STS policy of {} does not name it"


def kept(guests: Guests, *, raw: str = ARRIVED, counts: object = PROVEN) -> None:
    guests[INTERNET].when("probe.py submit", {"ok": True})
    guests[INTERNET].when("post.py inbox", {"ok": True, "count": 1, "messages": [raw]})
    guests["proxy"].when("tls-rpt", json.dumps(counts) if counts else "")


def test_mail_that_was_proven_passes(scene: Scene, guests: Guests) -> None:
    kept(guests)
    said = receivers.get_mail_where_policies_hold(scene)
    assert "tlsa-right.elsewhere.test by tlsa, sts-right.elsewhere.test by sts" in said


def test_mail_that_came_in_clear_fails(scene: Scene, guests: Guests) -> None:
    kept(guests, raw=ARRIVED.replace("ESMTPS", "ESMTP"))
    with pytest.raises(CheckFailed, match="without TLS"):
        receivers.get_mail_where_policies_hold(scene)


@pytest.mark.parametrize(
    "counts",
    [None, {"tlsa-right.elsewhere.test": {"no-policy-found": {"successful": 1}}}],
    ids=["nothing", "no policy"],
)
def test_mail_whose_policy_was_not_looked_at_fails(impatient: Scene, guests: Guests, counts: object) -> None:
    kept(guests, counts=counts)
    with pytest.raises(CheckFailed, match=r"in vain for tlsa-right\.elsewhere\.test in the proxy's counts"):
        receivers.get_mail_where_policies_hold(impatient)


def test_mail_over_ipv6_comes_from_the_described_address_and_no_other(scene: Scene, guests: Guests) -> None:
    kept(guests, raw=ARRIVED.replace("[203.0.113.10]", "[IPv6:2001:db8:113::10]"))
    assert "2001:db8:113::10" in receivers.get_mail_over_ipv6(scene)
    kept(guests, raw=ARRIVED.replace("[203.0.113.10]", "[IPv6:2001:db8:113:0:5054:ff:fe12:3456]"))
    with pytest.raises(CheckFailed, match="another address"):
        receivers.get_mail_over_ipv6(scene)
    kept(guests)
    with pytest.raises(CheckFailed, match="over IPv4"):
        receivers.get_mail_over_ipv6(scene)


def waiting(guests: Guests, *, tlsa: str = TLSA, count: int = 0, queued: object = 0) -> None:
    guests[INTERNET].when("probe.py submit", {"ok": True})
    guests[INTERNET].when("post.py inbox", {"ok": False, "count": count, "messages": []})
    proxy = guests["proxy"].when("^grep -rqF", queued)
    proxy.when("tlsa-wrong.* delayed", tlsa).when("sts-wrong.* delayed", STS.format("sts-wrong.elsewhere.test"))
    proxy.when("^systemctl (stop|start)", "").when("xargs -r rm", "").when("^ss ", 0)


def test_mail_that_waits_for_the_right_reason_passes_and_is_taken_out(scene: Scene, guests: Guests) -> None:
    waiting(guests)
    said = receivers.get_nothing_where_policies_fail(scene)
    assert "mx.tlsa-wrong.elsewhere.test: its certificate is not that of its TLSA records" in said
    assert "mx.sts-wrong.elsewhere.test: the MTA-STS policy of sts-wrong.elsewhere.test does not name it" in said
    stop, remove, start, listens = guests["proxy"].asked[-4:]
    assert (stop, start) == ("systemctl stop haraka-out.service", "systemctl start haraka-out.service")
    assert "-e word-1 /var/lib/haraka-out/queue" in remove
    assert listens.startswith("ss -Hltn sport = :2526 ")


@pytest.mark.parametrize(
    ("tlsa", "count", "queued", "why"),
    [
        (TLSA.replace("its certificate", "451 later, its name"), 0, 0, "another reason"),
        (TLSA, 1, 0, "in spite of its policy"),
        (TLSA, 0, [0, 1], "waits nowhere"),
    ],
)
def test_mail_that_does_not_wait_for_its_policy_fails_and_is_taken_out(
    scene: Scene, guests: Guests, tlsa: str, count: int, queued: object, why: str
) -> None:
    waiting(guests, tlsa=tlsa, count=count, queued=queued)
    with pytest.raises(CheckFailed, match=why):
        receivers.get_nothing_where_policies_fail(scene)
    assert any("xargs -r rm" in command for command in guests["proxy"].asked)


def test_mail_that_waits_without_a_word_fails(impatient: Scene, guests: Guests) -> None:
    waiting(guests, tlsa="")
    with pytest.raises(CheckFailed, match=r"in vain for a reason why mail to carol@tlsa-wrong"):
        receivers.get_nothing_where_policies_fail(impatient)
