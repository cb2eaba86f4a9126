"""What is asked of more than one proxy; machines are played by fakes, well and badly."""

from __future__ import annotations

import shutil

import pytest

from mailnix.errors import LabError
from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CHECKS, CheckFailed, Scene, relay, several
from mailnix.plan import Plan
from mailnix.run import run

from .conftest import Guests

MX2 = "mx2.example.org[192.0.2.20]:25"
SENDER_LOG = "smtpd[1]: AA1: client=mx.elsewhere.test[{mx}]\ncleanup[1]: AA1: message-id=<word-1@elsewhere.test>\n"


def incoming(two: Scene, guests: Guests, *, relay: str = MX2, tls: str = "Verified", seen: str = "") -> None:
    mx = seen or str(two.layout.mx.ipv4)
    fate = {"relay": relay, "status": "sent", "said": "250 ok", "tls": f"{tls} TLS connection established to {relay}"}
    message = f"Received: from mx.elsewhere.test (mx.elsewhere.test [{mx}]) by x\nSubject: word-1\n\nhi\n"
    guests[INTERNET].when("post.py send", {"ok": True, "recipients": {"alice@example.org": fate}})
    guests[INTERNET].when("probe.py imap", {"ok": True, "count": 1, "messages": [message], "tls": {}})
    guests["internal"].when("docker logs", SENDER_LOG.format(mx=mx))


def outgoing(two: Scene, guests: Guests, *, hop: str = "", verdict: str = "spf=pass; dkim=pass; dmarc=pass") -> None:
    hop = hop or "from mx2.example.org (mx2.example.org [192.0.2.20]) by mx.elsewhere.test with ESMTPS id 1"
    raw = f"Received: {hop}\nAuthentication-Results: mx.elsewhere.test; {verdict}\nFrom: alice@example.org\n\nhi\n"
    guests[INTERNET].when("probe.py submit", {"ok": True})
    guests[INTERNET].when("post.py inbox", {"ok": True, "count": 1, "messages": [raw]})
    clients(guests, str(two.layout.client.ipv4))


def clients(guests: Guests, *seen: str) -> None:
    guests["internal"].when(
        "docker logs",
        [
            f"smtps/smtpd[1]: BB1: client=unknown[{client}], sasl_method=PLAIN, sasl_username=alice@example.org\n"
            "cleanup[1]: BB1: message-id=<word-1@x>\n"
            for client in seen
        ],
    )


def test_mail_that_comes_by_the_next_mx_passes(two: Scene, guests: Guests) -> None:
    incoming(two, guests)
    assert MX2 in several.mail_comes_in_by_the_next(two)
    fetching = next(command for command in guests[INTERNET].asked if "probe.py imap" in command)
    assert "--connect=192.0.2.20" in fetching


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"relay": "mx1.example.org[203.0.113.10]:25"}, "not delivered to second"),
        ({"tls": "Untrusted"}, "not verified"),
        ({"seen": "10.83.119.1"}, "logged another client"),
    ],
)
def test_mail_that_comes_otherwise_fails(two: Scene, guests: Guests, wrong: dict[str, str], why: str) -> None:
    incoming(two, guests, **wrong)
    with pytest.raises(CheckFailed, match=why):
        several.mail_comes_in_by_the_next(two)


def test_mail_that_leaves_by_the_next_proxy_passes(two: Scene, guests: Guests) -> None:
    outgoing(two, guests)
    assert "mx2.example.org" in several.mail_leaves_by_the_next(two)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (
            {"hop": "from mx1.example.org (mx1.example.org [203.0.113.10]) by x with ESMTPS id 1"},
            "it came from another address",
        ),
        ({"verdict": "spf=fail; dkim=pass; dmarc=pass"}, "spf did not pass"),
    ],
)
def test_mail_that_leaves_otherwise_fails(two: Scene, guests: Guests, wrong: dict[str, str], why: str) -> None:
    outgoing(two, guests, **wrong)
    with pytest.raises(CheckFailed, match=why):
        several.mail_leaves_by_the_next(two)


def test_mail_programs_are_tried_at_every_address_that_hands_them_on(two: Scene, guests: Guests) -> None:
    outgoing(two, guests)
    client = two.layout.client
    clients(guests, str(client.ipv4), str(client.ipv6), str(client.ipv4))
    said = several.each_keeps_the_client(two)
    tried = [command for command in guests[INTERNET].asked if "probe.py submit" in command]
    assert [command.split("--connect=")[1].split()[0] for command in tried] == [
        "203.0.113.10",
        "2001:db8:113::10",
        "192.0.2.20",
    ]
    assert f"{client.ipv4} by 192.0.2.20" in said


def test_a_proxy_that_hides_its_clients_is_noticed(two: Scene, guests: Guests) -> None:
    outgoing(two, guests)
    client = two.layout.client
    clients(guests, str(client.ipv4), str(client.ipv6), str(two.plan.proxies[1].tunnel.proxy.ipv4))
    with pytest.raises(CheckFailed, match="logged another client"):
        several.each_keeps_the_client(two)


def test_a_proxy_is_plugged_in_again_whatever_happens(two: Scene, guests: Guests) -> None:
    with pytest.raises(LabError), several.unplugged(two, two.plan.proxies[0]):
        raise LabError("broken")
    cut, mended = guests[INTERNET].asked[-2:]
    for address in ("ip saddr 203.0.113.10", "ip6 daddr 2001:db8:113::10"):
        assert f"{address} drop" in cut
    assert mended == "nft delete table inet unplugged"


@pytest.mark.skipif(not shutil.which("nft", path="/usr/sbin:/usr/bin"), reason="nft is not installed")
def test_the_rules_that_cut_a_proxy_off_are_nftables_own(two: Scene, guests: Guests) -> None:
    with several.unplugged(two, two.plan.proxies[1]):
        pass
    rules = guests[INTERNET].asked[0].removeprefix("nft ").strip("'")
    nft = shutil.which("nft", path="/usr/sbin:/usr/bin")
    done = run(["unshare", "-rn", str(nft), "-c", rules], check=False)
    if "unshare" in done.stderr:
        pytest.skip("no network namespace can be made here")
    assert done.status == 0, done.stderr


def test_one_proxy_is_not_asked_what_only_several_can_answer(plan: Plan) -> None:
    ids = {check.id for check in CHECKS if not check.applies(plan)}
    assert {"submit-each-proxy", "next-mx", "next-relay"} <= ids


def test_each_mx_is_spoken_to_by_the_name_in_its_certificate(two: Scene, guests: Guests) -> None:
    replies = [{"sent": sent, "code": code, "text": "text"} for sent, code in (("", 220), ("RCPT TO:<x>", 554))]
    guests[INTERNET].when("probe.py smtp", {"ok": False, "replies": replies})
    relay.forged_xclient_is_denied(two)
    asked = [command.split("--host=")[1].split()[0] for command in guests[INTERNET].asked]
    assert asked == ["mx1.example.org", "mx2.example.org", "mail.example.org", "mail.example.org"]
