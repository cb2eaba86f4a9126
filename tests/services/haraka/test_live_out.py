"""haraka-out for real: the queue, its identity towards the world, and bounces."""

from __future__ import annotations

import email
import os
import resource
import shlex
import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import evolve

import rig as stands
from mailnix.run import run
from mailnix.services.haraka.render import files_out
from mailnix.services.haraka.values import HarakaOut, Timing
from rig import Haraka, Stand
from tests.attacks.marks import Kind, attack

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

MESSAGE = (
    b"Received: from [192.0.2.7] by mailcow\r\nFrom: alice@example.org\r\nTo: dave@example.net\r\n"
    b"Date: Sun, 22 Nov 2026 22:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nSubject: hello\r\n\r\n.Body.\r\n"
)
Start = Callable[..., Haraka]


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@pytest.fixture
def start(stand: Stand) -> Iterator[Start]:
    """Starts a haraka-out that delivers everything for example.org and example.net to a backend's port."""
    with ExitStack() as stack:

        def starter(backend: int, **changes: Any) -> Haraka:
            port = stands.free_port()
            settings = HarakaOut(
                hostname="mail.example.org",
                listen=(f"127.0.0.1:{port}",),
                clients=("127.0.0.2/32",),
                inbound_host="127.0.0.1",
                inbound_port=backend,
                domains=("example.org", "example.net"),
                queue_dir=str(stand.new_queue()),
                certificate_folder=str(stand.certificate_folder),
                retries="5s*20",
            )
            files = files_out(evolve(settings, **changes))
            return stack.enter_context(stands.haraka(stand, files, port))

        yield starter


def client(server: Haraka, source: str = "127.0.0.2") -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", server.port, "mailcow", timeout=60, source_address=(source, 0))


def send(server: Haraka, recipient: str = "dave@example.net") -> None:
    with client(server) as session:
        assert session.sendmail("alice@example.org", [recipient], MESSAGE) == {}


def queue_of(server: Haraka) -> Path:
    return Path((server.folder / "config/queue_dir").read_text().strip())


def queued(server: Haraka) -> list[str]:
    return sorted(path.name for path in queue_of(server).iterdir())


@attack(Kind.RELAY, right="550", source="Postfix reject_unauth_destination")
def test_only_the_machine_at_home_may_send(start: Start) -> None:
    server = start(stands.free_port())
    for source in ("127.0.0.1", "127.0.0.3"):
        with client(server, source) as session:
            session.ehlo()
            session.mail("alice@example.org")
            assert session.rcpt("dave@example.net")[0] == 550


def test_mail_leaves_unchanged_under_the_public_name(start: Start) -> None:
    with stands.sink() as world:
        server = start(world.port)
        send(server)
        stands.until(lambda: len(world.messages) == 1, "the world has the mail")
    assert "EHLO mail.example.org" in world.commands
    assert world.messages == [MESSAGE]
    stands.until(lambda: queued(server) == [], "the queue is empty")


def test_starttls_is_offered_to_mailcow(start: Start) -> None:
    with client(start(stands.free_port())) as session:
        session.ehlo()
        assert session.has_extn("starttls")
        assert not session.has_extn("smtputf8")
        assert session.esmtp_features["size"] == "104857600"


@attack(Kind.KILL, right="delivered once", source="RFC 5321 6.1")
def test_queued_mail_survives_a_killed_haraka_and_is_delivered_once(start: Start) -> None:
    with stands.sink(replies={"MAIL": "451 later"}) as world:
        server = start(world.port)
        send(server)
        stands.until(lambda: any(line.startswith("MAIL") for line in world.commands), "a first try")
        server.kill()
        assert len(queued(server)) == 1
        world.replies = {}
        server.start()
        stands.until(lambda: len(world.messages) >= 1, "the mail arrives")
        stands.until(lambda: queued(server) == [], "the queue is empty")
    assert len(world.messages) == 1


def test_what_a_stolen_password_sent_is_taken_out_of_the_queue_as_the_page_says(start: Start) -> None:
    page = (Path(__file__).parents[3] / "docs/howto/troubles.md").read_text()
    (typed,) = (line for line in page.splitlines() if "/queue && grep" in line)
    _stop, removes, _start = shlex.split(typed)[-1].split("; ")
    with stands.sink(replies={"MAIL": "451 later"}) as world:
        server = start(world.port)
        send(server)
        with client(server) as session:
            session.sendmail("bob@example.org", ["dave@example.net"], b"Cc: <alice@example.org>\r\n" + MESSAGE)
        stands.until(lambda: len(queued(server)) == 2, "both wait")
        server.kill()
        run(["sh", "-c", removes.replace(str(attrs.fields(HarakaOut).queue_dir.default), str(queue_of(server)))])
        assert len(queued(server)) == 1
        world.replies, world.commands[:] = {}, []
        server.start()
        stands.until(lambda: queued(server) == [], "the queue is empty")
    assert [line for line in world.commands if line.startswith("MAIL")] == ["MAIL FROM:<bob@example.org>"]


@attack(Kind.RECEIVER, right="delivered once", source="RFC 1047; RFC 5321 4.5.3.2.6")
def test_mail_is_sent_once_to_a_server_that_takes_its_time(start: Start) -> None:
    with stands.sink(dot_seconds=3) as world:
        server = start(world.port, timing=Timing(connect=1))
        send(server)
        stands.until(lambda: queued(server) == [], "the queue is empty")
    assert len(world.messages) == 1


@attack(Kind.DISK, right="450", source="RFC 5321 4.2.2; Postfix: 451")
def test_a_queue_that_cannot_be_written_means_try_again(start: Start) -> None:
    server = start(stands.free_port())
    with client(server) as session:
        session.ehlo()
        queue_of(server).rmdir()
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            session.sendmail("alice@example.org", ["dave@example.net"], MESSAGE)
    assert refusal.value.smtp_code == 450
    assert "cannot queue" in server.log


def test_the_sender_is_told_where_mail_cannot_be_delivered(start: Start) -> None:
    with stands.sink(replies={"RCPT TO:<nobody": "550 5.1.1 no such user"}) as world:
        server = start(world.port)
        send(server, "nobody@example.net")
        stands.until(lambda: len(world.messages) == 1, "the bounce")
    assert "MAIL FROM:<>" in world.commands
    assert "RCPT TO:<alice@example.org>" in world.commands
    bounce = email.message_from_bytes(world.messages[0])
    assert bounce.get_content_type() == "multipart/report"
    assert bounce["To"] == "<alice@example.org>"
    assert "MAILER-DAEMON@mail.example.org" in bounce["From"]
    assert "no such user" in bounce.as_string()


OFFERS_TLS = {"EHLO": "250-sink\n250 STARTTLS"}


@pytest.mark.parametrize("nonsense", [b"500 this is no TLS\r\n", b""], ids=["nonsense", "silence"])
@attack(Kind.RECEIVER, right="delivered once, in clear", source="RFC 7435; Postfix smtp_tls_security_level = may")
def test_mail_to_a_server_with_broken_starttls_leaves_in_clear(start: Start, nonsense: bytes) -> None:
    with stands.sink(replies=OFFERS_TLS, nonsense=nonsense) as world:
        server = start(world.port)
        send(server)
        stands.until(lambda: len(world.messages) >= 1, "the mail in clear")
        stands.until(lambda: queued(server) == [], "the queue is empty")
        send(server)
        stands.until(lambda: queued(server) == [] and len(world.messages) >= 2, "the second mail")
    assert world.messages == [MESSAGE, MESSAGE]
    assert world.commands.count("STARTTLS") == 1
    assert "its STARTTLS failed" in server.log


@attack(Kind.RECEIVER, right="delivered over TLS", source="RFC 3207 6: no downgrade")
def test_a_connection_lost_after_the_handshake_is_no_reason_to_send_in_clear(start: Start, stand: Stand) -> None:
    with stands.sink(replies={**OFFERS_TLS, "DATA": ""}, certificate=stand.certificate_folder) as world:
        server = start(world.port)
        send(server)
        stands.until(lambda: "DATA" in world.commands, "a first try")
        world.replies = OFFERS_TLS
        stands.until(lambda: queued(server) == [], "the queue is empty")
    assert world.messages == [MESSAGE]
    assert world.commands.count("STARTTLS") == 2
    assert "its STARTTLS failed" not in server.log


@attack(Kind.DISK, right="bounced once, after there is room", source="RFC 5321 6.1")
def test_mail_is_kept_until_its_bounce_is_queued(start: Start) -> None:
    """A full disk, played by a limit on the size of files that the log does not reach; a bounce has all headers."""
    limit, unlimited = 32 * 1024, resource.RLIM_INFINITY
    headers = b"".join(b"X-Header-%d: %s\r\n" % (n, b"x" * 100) for n in range(500))

    def fill_disk(line: str) -> None:
        if line.startswith("RCPT TO:<nobody"):
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (limit, unlimited))

    with stands.sink(replies={"RCPT TO:<nobody": "550 5.1.1 no such user"}, on_command=fill_disk) as world:
        server = start(world.port)
        with client(server) as session:
            session.sendmail("alice@example.org", ["nobody@example.net"], headers + MESSAGE)
        stands.until(lambda: "its bounce cannot be queued" in server.log, "no room for the bounce")
        assert len(queued(server)) >= 1
        world.on_command = lambda _line: resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
        stands.until(lambda: len(world.messages) == 1, "the bounce")
        stands.until(lambda: queued(server) == [], "the queue is empty")
    assert b"no such user" in world.messages[0]


def test_it_ends_by_itself_when_asked_to(start: Start) -> None:
    server = start(stands.free_port())
    assert server.process is not None
    began = time.monotonic()
    os.kill(server.pid, 2)  # SIGINT, as in the unit
    assert server.process.wait(15) == 0
    assert time.monotonic() - began < 15
