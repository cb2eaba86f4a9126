"""Mail by way of another's server, for real: what goes there, how haraka-out logs in, and what waits instead."""

from __future__ import annotations

import base64
import smtplib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import rig as stands
from mailnix.services.haraka.render import files_out
from mailnix.services.haraka.values import HarakaOut, Smarthost
from rig import Haraka, Sink, Stand
from rig.certificates import Certificate, make
from rig.internet import NOT_HOME

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

HOST, USER, PASSWORD = "smtp.relay.example", "0123", " it's; a #secret = 1\\"
MESSAGE = b"From: alice@example.org\r\nTo: dave@outlook.example\r\nSubject: hello\r\n\r\n.Body.\r\n"
ROOT = make("public authority", authority=True)
LOCKED = {"MAIL": "530 5.7.0 Authentication required"}
Start = Callable[..., Haraka]

# Every name leads to loopback, where a server on the internet is never found; `gone.example` to nothing.
NAMES = """\
exports.register = () => {
    const none = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
    require('./outbound/hmail').prototype.resolver = {
        resolveMx: async (name) => [{ exchange: `mx.${name}`, priority: 10 }],
        resolve4: async (name) => {
            if (name === 'gone.example') throw none
            return ['127.0.0.1']
        },
        resolve6: async () => { throw none },
    }
}
"""


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PLAIN = "AUTH PLAIN " + base64_of("\0" + USER + "\0" + PASSWORD)


def demanding(ways: str = "PLAIN LOGIN", *, offers: str = "STARTTLS") -> dict[str, Any]:
    """A relay's answers: mail is taken from who has logged in with our password, under TLS."""
    replies = {"EHLO": f"250-relay\n{f'250-{offers}' if offers else '250-SIZE'}\n250 AUTH {ways}", **LOCKED}
    opened = {PLAIN, base64_of(PASSWORD)}
    replies |= {"AUTH LOGIN": "334 VXNlcm5hbWU6", base64_of(USER): "334 UGFzc3dvcmQ6"}
    replies |= dict.fromkeys(opened, "235 2.7.0 fine") | {"AUTH": "535 5.7.8 no"}

    def on_command(line: str) -> None:
        if line in opened:
            replies.pop("MAIL", None)
        elif line.startswith("EHLO"):
            replies.update(LOCKED)

    return {"replies": replies, "on_command": on_command}


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        (here.folder / "roots.pem").write_bytes(ROOT.pem)
        yield here


@pytest.fixture
def start(stand: Stand) -> Iterator[Start]:
    """Starts a haraka-out that sends by way of `port` what is for these domains, and to the port `direct` the rest."""
    with ExitStack() as stack:

        def starter(
            port: int, direct: int = 1, password: str = PASSWORD, *, inbound: int = 1, **changes: Any
        ) -> Haraka:
            listens = stands.free_port()
            smarthost = Smarthost(**{"host": HOST, "port": port, "tls": "starttls", "user": USER, **changes})
            settings = HarakaOut(
                hostname="mail.example.org",
                listen=(f"127.0.0.1:{listens}",),
                clients=("127.0.0.2/32",),
                inbound_host="127.0.0.1",
                inbound_port=inbound,
                domains=("example.org",),
                queue_dir=str(stand.new_queue()),
                certificate_folder=str(stand.certificate_folder),
                policy_dir=str(stand.folder / "policies"),
                retries="5s*20",
                roots=str(stand.folder / "roots.pem"),
                smarthosts=(smarthost,),
            )
            files = dict(files_out(settings))
            files["config/plugins"] += "names\nnot_home\n"
            files["plugins/names.js"], files["plugins/not_home.js"] = NAMES, NOT_HOME
            files["config/deliveries.ini"] = files["config/deliveries.ini"].replace("port=25\n", f"port={direct}\n")
            files["config/deliveries.ini"] = files["config/deliveries.ini"].replace("dead_first=60", "dead_first=1")
            files[f"config/{smarthost.password_file}"] = password
            return stack.enter_context(stands.haraka(stand, files, listens))

        yield starter


@pytest.fixture
def certified(stand: Stand, request: pytest.FixtureRequest) -> Callable[..., Path]:
    """A folder with the certificate of a relay."""

    def served(certificate: Certificate) -> Path:
        return certificate.serve(stand.folder / f"relay-{request.node.name}-{certificate.certificate.serial_number}")

    return served


def send(server: Haraka, recipient: str = "dave@outlook.example", sender: str = "alice@example.org") -> None:
    with smtplib.SMTP("127.0.0.1", server.port, "mailcow", timeout=60, source_address=("127.0.0.2", 0)) as session:
        assert session.sendmail(sender, [recipient], MESSAGE) == {}


def queued(server: Haraka) -> int:
    return len([*Path((server.folder / "config/queue_dir").read_text().strip()).iterdir()])


def delivered(server: Haraka, relay: Sink) -> None:
    stands.until(lambda: bool(relay.messages) and queued(server) == 0, "the mail is delivered", seconds=90)
    assert relay.messages == [MESSAGE]


@pytest.mark.parametrize("ways", ["PLAIN LOGIN", "LOGIN", "=LOGIN PLAIN CRAM-MD5"])
def test_mail_goes_by_the_relay_under_tls_after_a_login(
    start: Start, certified: Callable[..., Path], ways: str
) -> None:
    with stands.sink(certificate=certified(make(HOST, ROOT)), **demanding(ways)) as relay:
        server = start(relay.port)
        send(server)
        delivered(server, relay)
    assert relay.secured == [True]
    assert "STARTTLS" in relay.commands
    assert PASSWORD not in server.log
    assert base64_of(PASSWORD) not in server.log


def test_where_tls_comes_first_there_is_no_starttls(start: Start, certified: Callable[..., Path]) -> None:
    folder = certified(make(HOST, ROOT))
    with stands.sink(certificate=folder, implicit=True, **demanding(offers="")) as relay:
        server = start(relay.port, tls="implicit")
        send(server)
        delivered(server, relay)
    assert relay.secured == [True]
    assert "STARTTLS" not in relay.commands


def test_only_what_is_for_its_domains_goes_by_it(start: Start, certified: Callable[..., Path]) -> None:
    with stands.sink(certificate=certified(make(HOST, ROOT)), **demanding()) as relay, stands.sink() as world:
        server = start(relay.port, world.port, domains=("outlook.example", "xn--bcher-kva.de"))
        for recipient in ("dave@Outlook.example", "eve@sub.outlook.example", "fay@xn--bcher-kva.de"):
            send(server, recipient)
        stands.until(lambda: queued(server) == 0, "all is delivered")
    assert sorted(line for line in relay.commands if line.startswith("RCPT")) == [
        "RCPT TO:<dave@outlook.example>",
        "RCPT TO:<fay@xn--bcher-kva.de>",
    ]
    assert [line for line in world.commands if line.startswith("RCPT")] == ["RCPT TO:<eve@sub.outlook.example>"]


def test_mail_for_ourselves_never_goes_by_it(start: Start, certified: Callable[..., Path]) -> None:
    with stands.sink(certificate=certified(make(HOST, ROOT)), **demanding()) as relay, stands.sink() as inbound:
        server = start(relay.port, inbound=inbound.port)
        send(server, "bob@example.org", "")
        stands.until(lambda: bool(inbound.messages), "haraka-in has it")
    assert relay.sessions == 0


@pytest.mark.parametrize("ways", ["PLAIN", "LOGIN"])
def test_a_refused_password_defers_and_mail_goes_when_it_is_taken(
    start: Start, certified: Callable[..., Path], ways: str
) -> None:
    with stands.sink(certificate=certified(make(HOST, ROOT)), **demanding(ways)) as relay:
        for line in (PLAIN, base64_of(PASSWORD)):
            relay.replies[line] = "535 5.7.8 no"
        server = start(relay.port)
        send(server)
        stands.until(lambda: "it does not let us in: 535" in server.log, "the login is refused")
        assert queued(server) == 1
        assert "bounced" not in server.log
        for line in (PLAIN, base64_of(PASSWORD)):
            relay.replies[line] = "235 2.7.0 fine"
        delivered(server, relay)


def test_a_relay_that_wants_a_login_that_we_do_not_have_makes_mail_wait(
    start: Start, certified: Callable[..., Path]
) -> None:
    with stands.sink(certificate=certified(make(HOST, ROOT)), **demanding()) as relay:
        server = start(relay.port, user="")
        send(server)
        stands.until(lambda: "delayed: " in server.log, "a first try")
    assert "530 5.7.0" in server.log
    assert "bounced" not in server.log
    assert queued(server) == 1


def test_what_the_relay_says_of_a_recipient_is_final(start: Start, certified: Callable[..., Path]) -> None:
    with stands.sink(certificate=certified(make(HOST, ROOT)), **demanding()) as relay, stands.sink() as inbound:
        relay.replies["RCPT TO:<nobody"] = "550 5.1.1 no such user"
        server = start(relay.port, inbound=inbound.port)
        send(server, "nobody@outlook.example")
        stands.until(lambda: bool(inbound.messages), "the bounce")
    assert b"no such user" in inbound.messages[0]


@pytest.mark.parametrize("user", [USER, ""], ids=["that we log in to", "that knows our address"])
def test_a_relay_that_denies_relaying_bounces_it(start: Start, certified: Callable[..., Path], user: str) -> None:
    """RFC 5321 4.2.1, and as Postfix: the same words are said of a mail that is refused for what it is."""
    replies = {"RCPT": "554 5.7.1 <dave@outlook.example>: Relay access denied"}
    answers = demanding() if user else {"replies": {"EHLO": "250-relay\n250 STARTTLS"}}
    with stands.sink(certificate=certified(make(HOST, ROOT)), **answers) as relay, stands.sink() as inbound:
        relay.replies.update(replies)
        server = start(relay.port, inbound=inbound.port, user=user)
        send(server)
        stands.until(lambda: bool(inbound.messages), "the bounce")
    assert b"Relay access denied" in inbound.messages[0]
    assert b"Status: 5.7.1" in inbound.messages[0]


def test_mail_waits_while_the_relay_is_down(start: Start, certified: Callable[..., Path]) -> None:
    port = stands.free_port()
    server = start(port)
    send(server)
    stands.until(lambda: "ECONNREFUSED" in server.log, "a first try")
    assert queued(server) == 1
    with stands.sink(port=port, certificate=certified(make(HOST, ROOT)), **demanding()) as relay:
        delivered(server, relay)


def test_mail_waits_while_the_relay_has_no_address(start: Start) -> None:
    server = start(587, host="gone.example")
    send(server)
    stands.until(lambda: "gone.example, by way of which it goes, has no address" in server.log, "a first try")
    assert queued(server) == 1
    assert "bounced" not in server.log


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (make(HOST), "is not trusted"),
        (make("smtp.other.example", ROOT), f"is not for {HOST}"),
        (make(HOST, ROOT, expired=True), "is not trusted"),
    ],
    ids=["self-signed", "another's", "expired"],
)
def test_no_password_goes_to_who_does_not_prove_to_be_the_relay(
    start: Start, certified: Callable[..., Path], certificate: Certificate, why: str, implicit: bool
) -> None:
    with stands.sink(certificate=certified(certificate), implicit=implicit, **demanding()) as relay:
        server = start(relay.port, tls="implicit" if implicit else "starttls")
        send(server)
        stands.until(lambda: "delayed: " in server.log, "a first try")
    assert why in server.log
    assert not [line for line in relay.commands if line.startswith(("AUTH", "MAIL"))]
    assert queued(server) == 1


@pytest.mark.parametrize(
    "changes", [{"replies": {"EHLO": "250-relay\n250 AUTH PLAIN"}}, {"replies": {"EHLO": "250 STARTTLS"}}],
    ids=["no STARTTLS", "nonsense for TLS"],
)  # fmt: skip
def test_no_password_goes_in_clear(start: Start, changes: dict[str, Any]) -> None:
    with stands.sink(**changes) as relay:
        server = start(relay.port)
        send(server)
        stands.until(lambda: "delayed: " in server.log, "a first try")
    assert not [line for line in relay.commands if line.startswith(("AUTH", "MAIL"))]
    assert queued(server) == 1


def test_a_server_without_tls_makes_mail_wait_where_tls_comes_first(start: Start) -> None:
    with stands.sink() as relay:
        server = start(relay.port, tls="implicit")
        send(server)
        stands.until(lambda: "delayed: " in server.log, "a first try")
    assert "TLS failed" in server.log
    assert queued(server) == 1


def test_a_relay_may_be_spoken_to_in_clear_without_a_password(start: Start) -> None:
    with stands.sink() as relay:
        server = start(relay.port, tls="none", user="")
        send(server)
        delivered(server, relay)
    assert relay.secured == [False]
