import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from mailnix import Domain, MtaStsMode, Proxy
from mailnix.plan import Plan, derive
from mailnix.run import run
from mailnix.services.caddy.autoconfig import autoconfig
from mailnix.services.caddy.render import HOP, caddyfile
from tests.services.conftest import tool, topology


def test_caddy_accepts_the_caddyfile(plan: Plan, two_proxies: Plan, tmp_path: Path) -> None:
    for which in (plan, two_proxies):
        _validate(caddyfile(which, which.proxies[0]), tmp_path)


def _validate(text: str, folder: Path) -> None:
    path = folder / "Caddyfile"
    path.write_text(text)
    words: list[str | Path] = [tool("caddy"), "validate", "--adapter", "caddyfile", "--config", path]
    done = run(words, env={"HOME": str(folder)}, check=False)
    assert done.status == 0, done.stderr


def test_challenges_for_mailcows_own_certificate_go_through_the_tunnel(plan: Plan) -> None:
    text = caddyfile(plan, plan.proxies[0])
    assert "/.well-known/acme-challenge/*" in text
    assert "reverse_proxy 10.83.119.2:8080" in text


def test_administration_is_closed_to_the_internet(plan: Plan) -> None:
    text = caddyfile(plan, plan.proxies[0])
    for path in ("/api/*", "/admin/*", "/rspamd/*", "/json_api.php "):
        assert path in text
    assert text.count("respond 403") == 3
    assert "header X-API-Key *" in text
    assert "not header Cookie *MCSESSID=*" in text


def test_mail_programs_are_told_what_is_offered_and_nothing_else(plan: Plan, tmp_path: Path) -> None:
    """Mailcow's own page announces IMAP on 143, which no proxy hands on."""
    answers = _answers(caddyfile(plan, plan.proxies[0]), tmp_path)
    told = [answer for answer in answers if "clientConfig" in answer.get("body", "")]
    assert len(told) == 4  # the web and the settings' names, each also over plain HTTP, as some programs ask
    assert {answer["body"] for answer in told} == {autoconfig("mail.example.org", plan.internal.client_ports)}
    servers = ElementTree.fromstring(told[0]["body"]).findall("emailProvider/*[port]")
    assert [(each.tag, each.get("type"), each.findtext("port"), each.findtext("socketType")) for each in servers] == [
        ("incomingServer", "imap", "993", "SSL"),
        ("outgoingServer", "smtp", "465", "SSL"),
        ("outgoingServer", "smtp", "587", "STARTTLS"),
    ]


def test_what_outlook_asks_for_is_mailcows_to_answer(plan: Plan) -> None:
    settings = caddyfile(plan, plan.proxies[0]).split("\nautoconfig.example.org, ")[1]
    assert "@settings path /autodiscover/* " in settings


def test_nobody_gives_mailcow_another_address_for_its_notes(plan: Plan) -> None:
    """Its pages note X-Real-IP as the address of who logged in (inc/functions.auth.inc.php)."""
    text = caddyfile(plan, plan.proxies[0])
    assert "header_up -X-Real-IP" in text.split("(mailcow) {")[1].split("\n}")[0]


def _answers(text: str, folder: Path) -> list[dict[str, Any]]:
    """The handlers of Caddy's own reading of a Caddyfile, wherever they stand."""
    path = folder / "Caddyfile"
    path.write_text(text)
    read = run([tool("caddy"), "adapt", "--adapter", "caddyfile", "--config", path], env={"HOME": str(folder)})
    found: list[dict[str, Any]] = []
    waiting = [json.loads(read.stdout)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found += [value] if "handler" in value else []
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def test_every_name_of_the_proxys_certificate_is_a_site(plan: Plan) -> None:
    text = caddyfile(plan, plan.proxies[0])
    for name in plan.proxies[0].certificate.names:
        assert name in text


def test_a_domain_without_mta_sts_has_no_policy_site() -> None:
    plan = derive(topology(domains=[Domain("example.org", mta_sts=MtaStsMode.OFF), Domain("example.net")]))
    text = caddyfile(plan, plan.proxies[0])
    assert "mta-sts.example.net" in text
    assert "mta-sts.example.org" not in text


def test_a_domain_that_takes_mta_sts_away_serves_a_policy_that_says_so() -> None:
    domains = [
        Domain("example.org", mta_sts="none"),
        Domain("example.net", mta_sts="none", backup_mx="mx.friend.example"),
    ]
    plan = derive(topology(domains=domains))
    text = caddyfile(plan, plan.proxies[0])
    assert "mode: none\nmx: mail.example.org\nmax_age: 86400\n" in text
    assert "mode: none\nmx: mail.example.org\nmx: mx.friend.example\nmax_age: 86400\n" in text
    assert {"mta-sts.example.org", "mta-sts.example.net"} <= {*plan.proxies[0].certificate.names}


def test_former_host_names_are_sites_like_the_present_one() -> None:
    plan = derive(topology(former_hostnames=["mx.old.example"]))
    text = caddyfile(plan, plan.proxies[0])
    assert "\nmail.example.org, mx.old.example {\n" in text
    assert "\nhttp://mail.example.org, http://mx.old.example {\n" in text
    assert "mx: mail.example.org\nmx: mx.old.example\n" in text


def test_the_policy_names_every_mx(two_proxies: Plan) -> None:
    text = caddyfile(two_proxies, two_proxies.proxies[0])
    assert "mx: mx1.example.org" in text
    assert "mx: mx2.example.org" in text


def test_one_proxy_hands_no_challenge_to_others(plan: Plan) -> None:
    text = caddyfile(plan, plan.proxies[0])
    assert HOP not in text
    assert "disable_tlsalpn_challenge" not in text


def test_a_challenge_that_a_proxy_does_not_know_is_looked_for_at_the_others_then_at_mailcow(two_proxies: Plan) -> None:
    first, second = two_proxies.proxies
    text = caddyfile(two_proxies, first)
    asked = text.index(f"reverse_proxy {second.ipv4}:80")
    assert asked < text.index("reverse_proxy 10.83.119.2:8080")
    assert f"reverse_proxy {first.ipv4}" not in text


def test_a_challenge_that_was_handed_on_goes_no_further(two_proxies: Plan) -> None:
    text = caddyfile(two_proxies, two_proxies.proxies[0])
    handed = text.index(f"header {HOP} *")
    assert text.index("respond 404", handed) < text.index("reverse_proxy")
    assert f"header_up {HOP} yes" in text


def test_the_authority_asks_over_http_only_where_any_proxy_may_be_asked(two_proxies: Plan) -> None:
    assert "disable_tlsalpn_challenge" in caddyfile(two_proxies, two_proxies.proxies[0])


def test_every_shared_name_takes_challenges_of_other_proxies(two_proxies: Plan) -> None:
    host = two_proxies.proxies[0]
    text = caddyfile(two_proxies, host)
    for name in host.certificate.names:
        assert f"http://{name}" in text


def test_a_third_proxy_is_asked_where_the_second_does_not_know(tmp_path: Path) -> None:
    plan = derive(topology(*(Proxy(f"p{n}", ipv4=f"203.0.113.{n}", hostname=f"mx{n}.example.org") for n in (1, 2, 3))))
    text = caddyfile(plan, plan.proxies[0])
    assert text.index("reverse_proxy 203.0.113.2:80") < text.index("reverse_proxy 203.0.113.3:80")
    _validate(text, tmp_path)
