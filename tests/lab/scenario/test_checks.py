"""Each check sees what is wrong: machines are played by fakes, well and badly."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from attrs import evolve

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import (
    CHECKS,
    Asking,
    Check,
    CheckFailed,
    Group,
    Scene,
    Verdict,
    bad_days,
    checks_for,
    guessing,
    health,
    inbound,
    isolation,
    outbound,
    relay,
    run_checks,
    web,
)
from mailnix.lab.scenario.mails import sent
from mailnix.model.clientport import OFFERED, client_port
from mailnix.plan import Plan
from mailnix.services.caddy.autoconfig import autoconfig

from .conftest import FakeDisks, FakeGuest

Guests = dict[str, FakeGuest]
RELAY = "mail.example.org[203.0.113.10]:25"
VERIFIED = "Verified TLS connection established to mail.example.org[203.0.113.10]:25: TLSv1.3 with cipher X"
TLS = {"names": ["mail.example.org"], "version": "TLSv1.3", "issuer": "lab", "sha256": "ab" * 32}
CLIENT_LOG = (
    "smtpd[1]: AA1: client=mx.elsewhere.test[198.51.100.25]\ncleanup[1]: AA1: message-id=<word-1@elsewhere.test>\n"
)
MESSAGE = "Received: from mx.elsewhere.test (mx.elsewhere.test [198.51.100.25]) by x\nSubject: word-1\n\nhi\n"


def inbound_internet(
    guests: Guests, *, relay: str = RELAY, tls: str = VERIFIED, count: int = 1, log: str = CLIENT_LOG
) -> None:
    fate = {"relay": relay, "status": "sent", "said": "250 ok", "tls": tls}
    guests[INTERNET].when("post.py send", {"ok": True, "recipients": {"alice@example.org": fate}})
    guests[INTERNET].when("probe.py imap", {"ok": True, "count": count, "messages": [MESSAGE] * count, "tls": TLS})
    guests["internal"].when("docker logs", log)


def test_mail_that_arrives_passes(scene: Scene, guests: Guests) -> None:
    inbound_internet(guests)
    assert "TLSv1.3" in inbound.arrives_over_ipv4(scene)
    assert inbound.is_read_by_a_program(scene)
    assert "198.51.100.25" in inbound.mailcow_sees_the_sender_over_ipv4(scene)
    assert sum("post.py send" in command for command in guests[INTERNET].asked) == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"tls": "Untrusted TLS connection established"}, "not verified"),
        ({"tls": ""}, "not verified"),
        ({"relay": "other[192.0.2.9]:25"}, "stranger"),
        ({"relay": "mail.example.org[2001:db8:113::10]:25"}, "not delivered over IPv4"),
        ({"count": 2}, "2 copies"),
        ({"count": 0}, "0 copies"),
    ],
)
def test_mail_that_arrives_wrongly_fails(scene: Scene, guests: Guests, wrong: dict[str, Any], why: str) -> None:
    inbound_internet(guests, **wrong)
    with pytest.raises(CheckFailed, match=why):
        inbound.arrives_over_ipv4(scene)


def test_a_sender_hidden_behind_the_proxy_fails(scene: Scene, guests: Guests) -> None:
    inbound_internet(guests, log=CLIENT_LOG.replace("mx.elsewhere.test[198.51.100.25]", "unknown[10.83.119.1]"))
    with pytest.raises(CheckFailed, match="another client"):
        inbound.mailcow_sees_the_sender_over_ipv4(scene)


def test_a_sender_whose_name_is_lost_fails(scene: Scene, guests: Guests) -> None:
    inbound_internet(guests, log=CLIENT_LOG.replace("client=mx.elsewhere.test", "client=unknown"))
    with pytest.raises(CheckFailed, match="name was lost"):
        inbound.mailcow_sees_the_sender_over_ipv4(scene)


@pytest.mark.parametrize("said", ["250 ok", "450 later", "550 no (in reply to end of DATA command)"])
def test_an_unknown_recipient_must_be_refused_at_rcpt(scene: Scene, guests: Guests, said: str) -> None:
    inbound_internet(guests)
    fate = {"relay": RELAY, "status": "sent", "said": "", "tls": ""}
    bad = {"relay": RELAY, "status": "bounced", "said": said, "tls": ""}
    answer = {"ok": True, "recipients": {"alice@example.org": fate, "nobody-word-1@example.org": bad}}
    guests[INTERNET].when("post.py send", answer)
    with pytest.raises(CheckFailed, match="550 at RCPT"):
        inbound.unknown_recipient_is_refused_alone(scene)


def replies(*codes: tuple[str, int]) -> dict[str, Any]:
    return {"ok": False, "replies": [{"sent": sent, "code": code, "text": f"{code} text"} for sent, code in codes]}


REFUSED = replies(("", 220), ("EHLO x", 250), ("MAIL FROM:<a>", 250), ("RCPT TO:<b>", 554))


@pytest.mark.parametrize(
    "check", [relay.outside_is_denied, relay.forged_xclient_is_denied, relay.forged_proxy_header_is_denied]
)
def test_relaying_is_noticed(scene: Scene, guests: Guests, check: Any) -> None:
    guests[INTERNET].when("probe.py smtp", REFUSED)
    assert "554" in check(scene)
    guests[INTERNET].when("probe.py smtp", replies(("", 220), ("EHLO x", 250), ("RCPT TO:<b>", 250)))
    with pytest.raises(CheckFailed, match="is possible"):
        check(scene)


def test_a_server_that_does_not_answer_has_denied_nothing(scene: Scene, guests: Guests) -> None:
    guests[INTERNET].when("probe.py smtp", {"ok": False, "error": "TimeoutError"})
    with pytest.raises(CheckFailed, match="nobody answered"):
        relay.outside_is_denied(scene)


def test_xclient_offered_to_strangers_is_noticed(scene: Scene, guests: Guests) -> None:
    offering = replies(("", 220), ("RCPT TO:<b>", 554))
    offering["replies"].insert(1, {"sent": "EHLO x", "code": 250, "text": "250-x\n250 XCLIENT ADDR"})
    guests[INTERNET].when("probe.py smtp", offering)
    with pytest.raises(CheckFailed, match="offers XCLIENT"):
        relay.forged_xclient_is_denied(scene)


@pytest.mark.parametrize(
    ("smtp", "submission", "why"),
    [
        ("250-XCLIENT\n> RCPT TO:<b>\n250 ok", "250 x", "may relay"),
        ("250 x\n> RCPT TO:<b>\n554 no", "250 x", "no more"),
        ("250-XCLIENT\n> RCPT TO:<b>\n554 no", "250-x\n250 XCLIENT", "offers XCLIENT to proxy"),
        ("250-XCLIENT\n> RCPT TO:<b>\n554 no", "", "no answer"),
    ],
)
def test_the_tunnel_gives_no_more_rights_than_planned(
    scene: Scene, guests: Guests, smtp: str, submission: str, why: str
) -> None:
    guests["proxy"].when("^bash", smtp).when("openssl", submission)
    with pytest.raises(CheckFailed, match=why):
        relay.tunnel_is_denied(scene)


def test_xclient_is_tried_on_every_port_of_mailcows_postfix(scene: Scene, guests: Guests) -> None:
    more = evolve(client_port("submission"), name="more", port=2587)
    internal = scene.plan.internal
    plan = evolve(scene.plan, internal=evolve(internal, client_ports=(*internal.client_ports, more)))
    guests[INTERNET].when("probe.py smtp", REFUSED)
    relay.forged_xclient_is_denied(Scene(plan, scene.layout, guests, scene.disks))
    tried = [re.findall(r"--(?:port|implicit)=(\d+)", command) for command in guests[INTERNET].asked]
    assert tried == [["25", "0"], ["587", "0"], ["2587", "0"], ["465", "1"]]


@pytest.mark.parametrize(("service", "implicit"), [("submissions", 1), ("submission", 0)])
def test_mail_is_submitted_with_tls_as_the_port_has_it(
    scene: Scene, guests: Guests, service: str, implicit: int
) -> None:
    outbound_internet(guests)
    sent(scene, service)
    (submitted,) = [command for command in guests[INTERNET].asked if "probe.py submit" in command]
    assert f"--implicit={implicit}" in submitted
    assert f"--port={client_port(service).port}" in submitted


def outbound_internet(guests: Guests, **headers: str) -> None:
    hop = headers.get(
        "hop", "from mail.example.org (mail.example.org [203.0.113.10]) by mx.elsewhere.test with ESMTPS id 1"
    )
    verdict = headers.get("verdict", "spf=pass; dkim=pass; dmarc=pass")
    raw = f"Received: {hop}\nAuthentication-Results: mx.elsewhere.test; {verdict}\nFrom: alice@example.org\n\nhi\n"
    guests[INTERNET].when("probe.py submit", {"ok": True})
    guests[INTERNET].when("post.py inbox", {"ok": True, "count": 1, "messages": [raw]})
    client = headers.get("client", "unknown[198.51.100.80]")
    guests["internal"].when(
        "docker logs",
        f"smtps/smtpd[1]: BB1: client={client}, sasl_method=PLAIN, sasl_username=alice@example.org\n"
        "cleanup[1]: BB1: message-id=<word-1@x>\n",
    )


def test_mail_that_leaves_well_passes(scene: Scene, guests: Guests) -> None:
    outbound_internet(guests)
    assert "198.51.100.80" in outbound.submission_keeps_the_client(scene)
    assert "203.0.113.10" in outbound.leaves_from_the_proxy(scene)
    assert "dmarc pass" in outbound.filters_pass(scene)
    assert outbound.headers_hide_home(scene)


@pytest.mark.parametrize(
    ("wrong", "check", "why"),
    [
        ({"client": "unknown[10.83.119.1]"}, outbound.submission_keeps_the_client, "another client"),
        ({"hop": "from mail.example.org (x [198.51.100.201]) with ESMTPS"}, outbound.leaves_from_the_proxy, "another"),
        ({"hop": "from [10.83.119.1] (x [203.0.113.10]) with ESMTPS"}, outbound.leaves_from_the_proxy, "EHLO or PTR"),
        (
            {"hop": "from mail.example.org (mail.example.org [203.0.113.10]) with ESMTP id"},
            outbound.leaves_from_the_proxy,
            "TLS",
        ),
        ({"verdict": "spf=pass; dkim=fail; dmarc=pass"}, outbound.filters_pass, "dkim of alice@example.org is fail"),
        ({"verdict": "spf=pass; dkim=pass"}, outbound.filters_pass, "dmarc of alice@example.org is None"),
        ({"hop": "from x (x [172.22.1.253]) with ESMTPS"}, outbound.headers_hide_home, "172.22.1.253"),
        ({"hop": "from internal.localdomain (x) with ESMTPS"}, outbound.headers_hide_home, "internal.localdomain"),
    ],
)
def test_mail_that_leaves_badly_fails(
    scene: Scene, guests: Guests, wrong: dict[str, str], check: Any, why: str
) -> None:
    outbound_internet(guests, **wrong)
    with pytest.raises(CheckFailed, match=why):
        check(scene)


def test_a_bounce_must_say_why(scene: Scene, guests: Guests) -> None:
    outbound_internet(guests)
    bounce = "Return-Path: <>\nFrom: MAILER-DAEMON\n\n550 5.1.1 <nobody-here@elsewhere.test> unknown\n"
    guests[INTERNET].when("probe.py imap", {"ok": True, "count": 1, "messages": [bounce], "tls": TLS})
    assert "550" in outbound.bounce_reaches_the_sender(scene)
    guests[INTERNET].when(
        "probe.py imap", {"ok": True, "count": 1, "messages": ["Return-Path: <>\n\nsorry"], "tls": TLS}
    )
    with pytest.raises(CheckFailed, match="does not say why"):
        outbound.bounce_reaches_the_sender(scene)


OPEN = (22, 25, 80, 443, *sorted(client.port for client in OFFERED))
LAST = OPEN[-1]


def scanned(*ports: int, tried: int = 65_535) -> dict[str, Any]:
    return {"ok": True, "open": list(ports), "tried": tried, "ports": []}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (scanned(*OPEN, 2526), "beyond the plan.*2526"),
        (scanned(*OPEN[:-1]), f"does not open.*{LAST}"),
        (scanned(*OPEN, tried=0), "only 0 of 65535"),
        ({"ok": False, "error": "no route"}, "no route"),
    ],
)
def test_ports_that_are_not_the_plans_are_noticed(
    scene: Scene, guests: Guests, answer: dict[str, Any], why: str
) -> None:
    guests[INTERNET].when("scan.py (tcp|udp)", scanned(*OPEN))
    assert "203.0.113.10" in isolation.proxies_open_what_is_planned(scene)
    guests[INTERNET].when("scan.py (tcp|udp)", answer).when(f"ports={LAST}", scanned(tried=1))
    with pytest.raises(CheckFailed, match=why):
        isolation.proxies_open_what_is_planned(scene)


def test_a_port_that_was_lost_in_the_flood_is_asked_for_alone(scene: Scene, guests: Guests) -> None:
    guests[INTERNET].when("scan.py (tcp|udp)", scanned(*OPEN[:-1])).when(f"ports={LAST}", scanned(LAST, tried=1))
    assert str(LAST) in isolation.proxies_open_what_is_planned(scene)


def addresses(ipv4: object, ipv6: str) -> str:
    loopback = {"addr_info": [{"family": "inet6", "local": "::1", "scope": "host"}]}
    own = [
        {"family": "inet", "local": str(ipv4), "scope": "global"},
        {"family": "inet6", "local": "fd00::9", "scope": "global"},
        {"family": "inet6", "local": ipv6, "scope": "link"},
    ]
    return json.dumps([loopback, {"ifname": "home", "addr_info": own}, {}])


def test_a_port_at_home_is_noticed(scene: Scene, guests: Guests) -> None:
    home = scene.layout.home
    listening = {entry.port for entry in scene.plan.internal.listeners}
    guests[INTERNET].when("^ip -j address", addresses(home.gateway4, "fe80::1"))
    guests["internal"].when("^ip -j address", addresses(home.host4, "fe80::2"))
    guests[INTERNET].when("scan.py (tcp|udp)", scanned(22))
    guests[INTERNET].when("target=fe80::2%", scanned(22, tried=len({*listening, *isolation.POPULAR_TCP})))
    assert "fe80::2" in isolation.home_opens_nothing(scene)
    guests[INTERNET].when("target=fe80::2%", scanned(23, tried=len({*listening, *isolation.POPULAR_TCP})))
    with pytest.raises(CheckFailed, match="fe80::2 has open ports"):
        isolation.home_opens_nothing(scene)
    guests[INTERNET].when("scan.py (tcp|udp)", scanned(22, 23))
    with pytest.raises(CheckFailed, match="open ports"):
        isolation.home_opens_nothing(scene)


def test_an_unplanned_udp_listener_is_noticed(scene: Scene, guests: Guests) -> None:
    guests[INTERNET].when("scan.py (tcp|udp)", scanned(tried=len({51820, *isolation.POPULAR_UDP})))
    guests["proxy"].when("^ss", "UNCONN 0 0 0.0.0.0:51820 0.0.0.0:*\n")
    assert isolation.proxies_answer_no_other_udp(scene)
    guests["proxy"].when("^ss", "UNCONN 0 0 0.0.0.0:51820 0.0.0.0:*\nUNCONN 0 0 0.0.0.0:5353 0.0.0.0:*\n")
    with pytest.raises(CheckFailed, match="beyond the plan"):
        isolation.proxies_answer_no_other_udp(scene)


IMAP_GUESS = "imap-login: (auth failed, 1 attempts): rip={}\n"
SMTP_GUESS = "warning: unknown[{}]: SASL PLAIN authentication failed\n"


@pytest.mark.parametrize(
    ("dovecot", "postfix", "why"),
    [
        (IMAP_GUESS.format("10.83.119.1"), SMTP_GUESS.format("198.51.100.66"), "dovecot-mailcow logged others than"),
        (IMAP_GUESS.format("198.51.100.66"), SMTP_GUESS.format("10.83.119.1"), "postfix-mailcow logged others than"),
        ("quiet\n", SMTP_GUESS.format("198.51.100.66"), "dovecot-mailcow logged no failed login"),
        (IMAP_GUESS.format("198.51.100.66"), "quiet\n", "postfix-mailcow logged no failed login"),
    ],
)
def test_guesses_that_seem_to_come_from_elsewhere_are_noticed(
    scene: Scene, guests: Guests, dovecot: str, postfix: str, why: str
) -> None:
    guests[INTERNET].when("logins.py guesses", {"ok": True, "answers": []})
    guests["internal"].when("dovecot-mailcow", IMAP_GUESS.format("198.51.100.66"))
    guests["internal"].when("postfix-mailcow", SMTP_GUESS.format("198.51.100.66"))
    assert "198.51.100.66" in guessing.shows_the_guesser(scene)
    guests["internal"].when("dovecot-mailcow", dovecot).when("postfix-mailcow", postfix)
    with pytest.raises(CheckFailed, match=why):
        guessing.shows_the_guesser(scene)


def outage_internet(guests: Guests, *, code: int = 450, count: int = 1) -> None:
    inbound_internet(guests, count=count)
    guests[INTERNET].when("probe.py smtp", replies(("", 220), ("EHLO", 250), ("MAIL", code)))
    deferred = {"alice@example.org": {"status": "deferred", "relay": RELAY, "said": "450", "tls": ""}}
    guests[INTERNET].when("post.py send", {"ok": True, "recipients": deferred})
    guests[INTERNET].when("post.py fate", {"ok": True, "recipients": {}})


def test_an_outage_that_only_delays_passes(scene: Scene, guests: Guests) -> None:
    outage_internet(guests)
    assert "once" in bad_days.outage_at_home_only_delays(scene)
    assert guests["internal"].asked[:2] == ["kill", "start"]


@pytest.mark.parametrize(("wrong", "why"), [({"code": 550}, "no temporary error"), ({"count": 2}, "arrived 2 times")])
def test_an_outage_that_bounces_or_doubles_fails(scene: Scene, guests: Guests, wrong: dict[str, int], why: str) -> None:
    outage_internet(guests, **wrong)
    with pytest.raises(CheckFailed, match=why):
        bad_days.outage_at_home_only_delays(scene)
    assert "start" in guests["internal"].asked


def crash_internet(guests: Guests, *, queued: list[int], count: int = 1) -> None:
    guests[INTERNET].when("post.py busy", {"ok": True}).when("probe.py submit", {"ok": True})
    guests[INTERNET].when("post.py inbox", {"ok": True, "count": count, "messages": []})
    proxy = guests["proxy"].when("systemctl kill", "").when("is-active", "active").when("MainPID", ["7", "8"])
    proxy.when("grep", queued).when("ping -c 1", [1, 0])


def test_a_crash_that_loses_nothing_passes(scene: Scene, guests: Guests) -> None:
    crash_internet(guests, queued=[0, 0, 0, 0, 1])
    assert "once" in bad_days.crashes_of_a_proxy_lose_nothing(scene)
    assert any("HUP" in command for command in guests["proxy"].asked)
    assert sum(command.startswith("ping") for command in guests["proxy"].asked) == 2  # until the tunnel is back


@pytest.mark.parametrize(
    ("queued", "count", "why"),
    [
        ([0, 1], 1, "gone after kill -9"),
        ([0, 0, 1], 1, "gone after the power cut"),
        ([0, 0, 0, 1], 2, "arrived 2 times"),
    ],
)
def test_a_crash_that_loses_or_doubles_fails(
    scene: Scene, guests: Guests, queued: list[int], count: int, why: str
) -> None:
    crash_internet(guests, queued=queued, count=count)
    with pytest.raises(CheckFailed, match=why):
        bad_days.crashes_of_a_proxy_lose_nothing(scene)
    assert "--state=off" in guests[INTERNET].asked[-1] or "inbox" in guests[INTERNET].asked[-1]


def test_a_failed_unit_is_named(scene: Scene, guests: Guests) -> None:
    for name in ("proxy", "internal"):
        guests[name].when("is-system-running", "running").when("--failed", "[]")
    assert health.no_unit_has_failed(scene)
    guests["internal"].when("--failed", '[{"unit": "docker.service"}]')
    with pytest.raises(CheckFailed, match=r"docker\.service"):
        health.no_unit_has_failed(scene)


def test_a_clock_that_nobody_set_is_named(scene: Scene, guests: Guests) -> None:
    for name in ("proxy", "internal"):
        guests[name].when("timesync", "0.debian.pool.ntp.org").when("NTPSynchronized", "yes")
    assert health.clocks_are_synchronised(scene).startswith("proxy: by 0.debian.pool.ntp.org, internal: by")
    guests["internal"].when("NTPSynchronized", "no")
    with pytest.raises(CheckFailed, match="in vain for internal to set its clock"):
        health.clocks_are_synchronised(scene, patience=0)


def test_a_secret_on_the_wrong_disk_is_named(scene: Scene, disks: FakeDisks) -> None:
    disks.found = {"internal": ("mailcow.dbpass",)}
    assert health.home_secrets_stay_home(scene)
    disks.found = {"internal": ("mailcow.dbpass",), "proxy": ("mailcow.dbpass",)}
    with pytest.raises(CheckFailed, match=r"mailcow\.dbpass"):
        health.home_secrets_stay_home(scene)


def test_a_search_that_finds_nothing_at_home_shows_nothing(scene: Scene, guests: Guests) -> None:
    guests["internal"].when("^cat", "-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\nCCCC\n-----END PRIVATE KEY-----\n")
    with pytest.raises(CheckFailed, match="shows nothing"):
        health.home_secrets_stay_home(scene)
    with pytest.raises(CheckFailed, match="shows nothing"):
        web.mailbox_key_is_not_on_a_proxy(scene)


def test_open_administration_is_noticed(scene: Scene, guests: Guests) -> None:
    closed = {"status": 403, "body": "", "headers": {}, "tls": TLS}
    guests[INTERNET].when("probe.py https", closed)
    guests[INTERNET].when("MCSESSID=c'$", {**closed, "status": 401})
    assert "/api/v1/get/domain/all" in web.administration_is_closed(scene)
    guests[INTERNET].when("path=/admin", {**closed, "status": 200})
    with pytest.raises(CheckFailed, match="not everything is closed"):
        web.administration_is_closed(scene)


def test_pages_that_cannot_save_what_their_users_change_are_noticed(scene: Scene, guests: Guests) -> None:
    guests[INTERNET].when("probe.py https", {"status": 403, "body": "", "headers": {}, "tls": TLS})
    with pytest.raises(CheckFailed, match="cannot call the API"):
        web.administration_is_closed(scene)


def test_settings_that_nobody_carries_or_mailcow_is_not_asked_for_are_noticed(scene: Scene, guests: Guests) -> None:
    policy = "version: STSv1\nmode: testing\nmx: mail.example.org\nmax_age: 604800\n"
    guests[INTERNET].when("mta-sts", {"status": 200, "body": policy, "headers": {"server": "Caddy"}, "tls": TLS})
    told = autoconfig("mail.example.org", OFFERED)
    guests[INTERNET].when("autoconfig", {"status": 200, "body": told, "headers": {"server": "Caddy"}, "tls": TLS})
    guests[INTERNET].when("autodiscover", {"status": 404, "body": "", "headers": {"server": "nginx"}, "tls": TLS})
    assert "autoconfig.example.org: 465, 587, 993" in web.settings_are_served(scene)
    guests[INTERNET].when("autodiscover", {"status": 404, "body": "", "headers": {"server": "Caddy"}, "tls": TLS})
    with pytest.raises(CheckFailed, match="not answered by Mailcow"):
        web.settings_are_served(scene)
    more = autoconfig("mail.example.org", (*OFFERED, client_port("imap")))
    guests[INTERNET].when("autoconfig", {"status": 200, "body": more, "headers": {"server": "Caddy"}, "tls": TLS})
    with pytest.raises(CheckFailed, match=r"tells mail programs of ports \[143, 465, 587, 993\]"):
        web.settings_are_served(scene)
    guests[INTERNET].when("mta-sts", {"status": 200, "body": policy.replace("mail.", "x."), "headers": {}, "tls": TLS})
    with pytest.raises(CheckFailed, match="another policy"):
        web.settings_are_served(scene)


def test_a_certificate_of_caddys_on_993_is_noticed(scene: Scene, guests: Guests) -> None:
    guests[INTERNET].when("logins.py logins", {"ok": True, "answers": [{"ok": True, "said": "OK", "tls": TLS}]})
    guests[INTERNET].when("probe.py https", {"status": 200, "tls": {**TLS, "sha256": "cd" * 32}})
    guests["internal"].when("openssl", "sha256 Fingerprint=" + ":".join(["AB"] * 32) + "\nissuer=x\n")
    assert web.mailcow_has_its_own_certificate(scene)
    guests[INTERNET].when("probe.py https", {"status": 200, "tls": TLS})
    with pytest.raises(CheckFailed, match="same certificate"):
        web.mailcow_has_its_own_certificate(scene)


def test_ids_are_unique_and_every_group_has_checks() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert {check.group for check in CHECKS} == set(Group)


def test_checks_of_ipv6_need_an_address_of_it(plan: Plan) -> None:
    assert "inbound-ipv6" in {check.id for check in checks_for(plan)}


def broken(_scene: Scene) -> str:
    raise KeyError("recipients")


def wrong(_scene: Scene) -> str:
    raise CheckFailed("it is wrong")


def test_one_broken_check_does_not_end_the_others(scene: Scene) -> None:
    asked = (
        Check("a", Group.WEB, "a", broken),
        Check("b", Group.WEB, "b", wrong),
        Check("c", Group.WEB, "c", lambda _scene: "well"),
    )
    heard: list[str] = []
    outcomes = run_checks(asked, scene, lambda outcome: heard.append(outcome.id), 0).outcomes
    assert [outcome.verdict for outcome in outcomes] == [Verdict.FAIL, Verdict.FAIL, Verdict.PASS]
    assert outcomes[1].evidence == "it is wrong"
    assert heard == ["a", "b", "c"]


def test_a_report_says_when_the_last_mail_was_exchanged(scene: Scene) -> None:
    clock = iter(range(100, 200, 10))
    asked = (Check(group, group, group, lambda _scene: "well") for group in (Group.INBOUND, Group.BAD_DAYS))
    report = run_checks(asked, scene, lambda _outcome: None, 90, lambda: next(clock))
    assert (report.ready, report.exchanged, report.total) == (10, 40, 70)


def test_checks_of_mail_run_beside_each_other_and_those_that_disturb_alone(scene: Scene) -> None:
    both = threading.Barrier(2, timeout=10)
    running: list[str] = []

    def together(_scene: Scene) -> str:
        running.append("mail")
        both.wait()
        return "well"

    def alone(_scene: Scene) -> str:
        return ", ".join(running)

    asked = (
        Check("a", Group.INBOUND, "a", together),
        Check("b", Group.WEB, "b", together),
        Check("c", Group.ISOLATION, "c", alone),
    )
    report = run_checks(asked, scene, lambda _outcome: None, 0)
    assert [outcome.verdict for outcome in report.outcomes] == [Verdict.PASS] * 3
    assert report.outcomes[2].evidence == "mail, mail"


def test_who_wants_one_outcome_after_the_other_has_no_more_asked_than_may_overlap(scene: Scene) -> None:
    both = threading.Barrier(2, timeout=10)
    asked: list[str] = []

    def looks(name: str, together: bool) -> Callable[[Scene], str]:
        def look(_scene: Scene) -> str:
            if together:
                both.wait()
            asked.append(name)
            return name

        return look

    groups = {"a": Group.INBOUND, "b": Group.WEB, "c": Group.ISOLATION, "d": Group.BAD_DAYS}
    checks = [Check(name, group, name, looks(name, group.may_overlap)) for name, group in groups.items()]
    asking = Asking(checks, scene)
    assert asked == []
    assert asking.outcome(checks[1]).evidence == "b"
    assert sorted(asked) == ["a", "b"]
    assert asking.outcome(checks[0]).evidence == "a"
    assert asking.outcome(checks[2]).evidence == "c"
    asking.close()
    assert sorted(asked) == ["a", "b", "c"]


def test_two_checks_of_one_mail_wait_for_that_mail(scene: Scene) -> None:
    made: list[int] = []
    wanted = threading.Event()

    def make() -> str:
        wanted.wait(10)
        made.append(1)
        return "the mail"

    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(scene.remember, "mail", make) for _ in range(2))
        wanted.set()
        assert (first.result(10), second.result(10), made) == ("the mail", "the mail", [1])


def test_waiting_in_vain_names_its_subject(scene: Scene) -> None:
    with pytest.raises(CheckFailed, match="in vain for rain"):
        scene.wait_for("rain", lambda: None, timeout=0)


def test_what_failed_once_fails_again_without_being_tried(scene: Scene) -> None:
    tries: list[int] = []

    def fail() -> str:
        tries.append(1)
        raise CheckFailed("no")

    for _ in range(2):
        with pytest.raises(CheckFailed, match="no"):
            scene.remember("x", fail)
    assert len(tries) == 1
