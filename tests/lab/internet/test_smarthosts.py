"""The lab's relays take mail from who is logged in over TLS, from nobody else, and hand it on."""

from __future__ import annotations

import smtplib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve

from mailnix import Domain, Internal, Mailbox, Proxy, Relay, Topology
from mailnix.lab.internet import smarthosts
from mailnix.lab.internet.authority import leaf_names
from mailnix.lab.internet.guest import smarthost
from mailnix.lab.internet.guest.smarthost import Smarthost
from mailnix.lab.internet.layout import layout
from mailnix.lab.internet.machine import internet
from mailnix.lab.internet.mail import main_cf
from mailnix.lab.internet.zones import root_zone
from mailnix.plan import Plan, derive
from mailnix.tree import File

from .test_probe import HERE, server, tls

__all__ = ["tls"]

MAIL = "Subject: word-1\r\n\r\nhi\r\n.dot\r\n"


class Following:
    """The next mail server, as far as `smtplib.SMTP` shows it: keeps what comes, or refuses."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.refusal: Exception | None = None

    def __call__(self, *_words: object) -> Following:
        return self

    def __enter__(self) -> Following:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def sendmail(self, sender: str, to: list[str], message: bytes) -> None:
        if self.refusal:
            raise self.refusal
        self.mails.append((sender, list(to), message))


@contextmanager
def relaying(tls: Path, how: str = "starttls", user: str = "me") -> Iterator[tuple[int, Following]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls / "server.pem")
    host, following = Smarthost("localhost", HERE, 0, how, user, HERE), Following()
    with smarthost.server(host, context, lambda: {"localhost": "secret"}, following) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving.server_address[1], following
        serving.shutdown()


@contextmanager
def client(port: int, tls: Path, how: str = "starttls") -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context(cafile=str(tls / "ca.pem"))
    first = smtplib.SMTP_SSL("localhost", port, context=context) if how == "implicit" else smtplib.SMTP(HERE, port)
    with first as smtp:
        if how == "starttls":
            smtp._host = "localhost"  # type: ignore[attr-defined]  # what the certificate is for
            smtp.starttls(context=context)
        yield smtp


@pytest.mark.parametrize("how", ["starttls", "implicit"])
def test_who_is_logged_in_sends_and_a_received_line_says_so(tls: Path, how: str) -> None:
    with relaying(tls, how) as (port, following), client(port, tls, how) as smtp:
        smtp.login("me", "secret")
        smtp.sendmail("a@example.org", ["b@b.example", "c@b.example"], MAIL)
    ((sender, to, message),) = following.mails
    assert (sender, to) == ("a@example.org", ["b@b.example", "c@b.example"])
    head, rest = message.split(b"Subject:", 1)
    assert f"([{HERE}])\r\n\tby localhost as me with ESMTPSA;" in head.decode()
    assert rest == MAIL.split("Subject:")[1].encode()


def test_the_other_way_to_log_in_is_taken_too(tls: Path) -> None:
    with relaying(tls) as (port, _following), client(port, tls) as smtp:
        smtp.ehlo()
        smtp.user, smtp.password = "me", "secret"
        assert smtp.auth("LOGIN", smtp.auth_login)[0] == 235


def test_a_wrong_password_and_none_are_refused(tls: Path) -> None:
    with relaying(tls) as (port, following):
        with client(port, tls) as smtp, pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login("me", "other")
        with client(port, tls) as smtp, pytest.raises(smtplib.SMTPSenderRefused, match="log in first"):
            smtp.sendmail("a@example.org", ["b@b.example"], MAIL)
    assert following.mails == []


def test_nothing_goes_in_clear_and_no_login_is_offered_there(tls: Path) -> None:
    with relaying(tls) as (port, _following), client(port, tls, "none") as smtp:
        smtp.ehlo()
        assert not smtp.has_extn("auth")
        assert smtp.docmd("AUTH", "PLAIN AG1lAHNlY3JldA==")[0] == 538
        assert smtp.docmd("MAIL", "FROM:<a@example.org>")[0] == 530


def test_one_without_a_user_takes_mail_in_clear(tls: Path) -> None:
    with relaying(tls, "none", "") as (port, following), client(port, tls, "none") as smtp:
        smtp.sendmail("a@example.org", ["b@b.example"], MAIL)
    assert b"as nobody with" in following.mails[0][2]


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (smtplib.SMTPRecipientsRefused({"b@b.example": (550, b"5.1.1 unknown")}), 550),
        (smtplib.SMTPDataError(451, b"4.3.2 busy"), 451),
        (ConnectionRefusedError(), 451),
    ],
)
def test_what_the_next_server_says_is_handed_back(tls: Path, refusal: Exception, code: int) -> None:
    with relaying(tls, "none", "") as (port, following), client(port, tls, "none") as smtp:
        following.refusal = refusal
        with pytest.raises(smtplib.SMTPDataError) as error:
            smtp.sendmail("a@example.org", ["b@b.example"], MAIL)
    assert error.value.smtp_code == code


def described(*relays: Relay) -> Plan:
    topology = Topology(
        "mail.example.org",
        [Proxy("proxy", "203.0.113.10")],
        Internal("internal"),
        [Domain("example.org", [Mailbox("alice")])],
        relays=relays,
    )
    return derive(topology)


def test_each_relay_is_a_machine_elsewhere_with_a_certificate_and_the_spf_that_it_tells_of() -> None:
    relay = Relay("smtp.relay.example", "me", domains=["b.example"], spf=["include:_spf.relay.example"])
    plan = described(relay, evolve(relay, port=465, domains=("c.example",)))
    found = layout(plan)
    (identity,) = found.relays
    assert identity.ports == (587, 465)
    assert leaf_names(found)[smarthosts.CERTIFICATE] == ("smtp.relay.example",)
    zone = root_zone(plan, found)
    assert f"smtp.relay.example. IN A {identity.ipv4}" in zone
    assert f'_spf.relay.example. IN TXT "v=spf1 ip4:{identity.ipv4} -all"' in zone
    hosts = smarthosts.conf(plan, found)["hosts"]
    assert isinstance(hosts, list)
    assert [(Smarthost(**host).port, Smarthost(**host).tls) for host in hosts] == [
        (587, "starttls"),
        (465, "implicit"),
    ]
    units = {entry.path for entry in internet(plan).entries if isinstance(entry, File)}
    assert f"/etc/systemd/system/{smarthosts.UNIT}" in units


def test_without_relays_there_is_no_trace_of_them() -> None:
    plan = described()
    assert not [*smarthosts.entries(plan, layout(plan))]
    assert set(leaf_names(layout(plan))) == {"mx", "acme"}
    texts = [entry.content for entry in internet(plan).entries if isinstance(entry, File)]
    assert not any(smarthosts.UNIT in text for text in texts)


@pytest.mark.parametrize(("port", "interfaces"), [(587, "all"), (25, "127.0.0.1, [::1], ")])
def test_the_mail_server_makes_room_for_a_relay_on_its_own_port(port: int, interfaces: str) -> None:
    assert f"\ninet_interfaces = {interfaces}" in main_cf(layout(described(Relay("relay.example", port=port))))


def test_the_next_server_is_spoken_to_under_the_relays_own_name_and_address() -> None:
    host = Smarthost("relay.example", HERE, 0, "none", "", HERE)
    answers = [b"220 hi\r\n", b"250 x\r\n", b"221 bye\r\n"]
    with server(answers) as (port, heard), smarthost.following(host, port) as smtp:
        assert smtp.source_address == (HERE, 0)
        assert smtp.ehlo()[0] == 250
    assert heard[0] == b"ehlo relay.example"
