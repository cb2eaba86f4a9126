"""Notices leave by a sendmail or a submission server; what nobody takes is an error, and no password is shown."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email import message_from_string
from email.message import EmailMessage
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import define, evolve, field

from mailnix import pipeline
from mailnix.doctor.handing import Sendmail, Submission, sendmail
from mailnix.doctor.notifying import Notices, Untold
from mailnix.doctor.registry import Group
from mailnix.doctor.scene import Scene
from mailnix.doctor.values import Answer, Check, Finding, Severity, Vantage, Verdict
from mailnix.doctor.ways import way
from mailnix.errors import MailnixError
from mailnix.plan import derive
from mailnix.run import run
from rig.certificates import make
from rig.waiting import free_port
from tests.cli.conftest import CONFIG
from tests.descriptions import PUBLIC6, sound

HOST = "127.0.0.1"
USER, PASSWORD = "me@provider.example", "correct horse"
NEWS = [Finding("dns.mx", "example.org MX", Vantage.RESOLVER, Severity.FAILURE, Answer.ABSENT, "has no MX", "add it")]
SCENE = Scene(derive(sound()), typed=lambda text: text.replace("CONFIG", "mail.py"))


@define
class Taken:
    """What a submission server took: each with who logged in; `refusal` is what it says instead."""

    mails: list[tuple[str | None, Envelope]] = field(factory=list)
    refusal: str = ""

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refusal:
            return self.refusal
        self.mails.append((session.auth_data, envelope))
        return "250 2.0.0 taken"


def authenticated(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, said: object) -> AuthResult:
    assert isinstance(said, LoginPassword)
    good = (said.login, said.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False, auth_data=said.login.decode())


@contextmanager
def provider(tls: Path, *, implicit: bool) -> Iterator[tuple[Taken, int]]:
    """A real submission server; with STARTTLS, who is not logged in may send nothing."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
    taken, port = Taken(), free_port()
    controller = Controller(
        taken,
        HOST,
        port,
        ssl_context=context if implicit else None,
        tls_context=None if implicit else context,
        require_starttls=not implicit,
        auth_required=not implicit,
        auth_require_tls=not implicit,  # it does not count TLS that was there from the start
        authenticator=authenticated,
    )
    controller.start()
    try:
        yield taken, port
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    authority = make("an authority", authority=True)
    folder = make("localhost", authority).serve(tmp_path_factory.mktemp("tls") / "served")
    (folder / "ca.pem").write_bytes(authority.pem)
    return folder


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.touch(0o600)
    file.write_text(f"{PASSWORD}\n")
    return file


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
def test_a_providers_server_takes_a_notice_from_who_is_logged_in(tls: Path, password: Path, scheme: str) -> None:
    with provider(tls, implicit=scheme == "smtps") as (taken, port):
        by = way(f"{scheme}://{USER}@localhost:{port}", password, tls / "ca.pem")
        Notices(by, "you@example.net").tell(SCENE, NEWS)
    ((user, envelope),) = taken.mails
    assert (user, envelope.mail_from, envelope.rcpt_tos) == (USER, USER, ["you@example.net"])
    assert isinstance(envelope.content, bytes)
    assert b"Subject: [mail.example.org] 1 failure\r\n" in envelope.content
    assert b"mailnix doctor mail.py" in envelope.content


def refused(by: object, to: str = "you@example.net") -> MailnixError:
    assert isinstance(by, Submission | Sendmail)
    with pytest.raises(MailnixError) as caught:
        Notices(by, to).tell(SCENE, NEWS)
    assert PASSWORD not in f"{caught.value.message} {caught.value.hint} {by!r}"
    return caught.value


def test_a_server_that_refuses_is_quoted(tls: Path, password: Path) -> None:
    with provider(tls, implicit=False) as (taken, port):
        by = way(f"smtp://{USER}@localhost:{port}", password, tls / "ca.pem")
        taken.refusal = "452 4.2.2 mailbox full"
        assert refused(by).message == f"localhost:{port} takes no notice: 452 4.2.2 mailbox full"
        password.write_text("wrong")
        assert ": 535 " in refused(way(f"smtp://{USER}@localhost:{port}", password, tls / "ca.pem")).message
        assert ": 530 " in refused(way(f"smtp://localhost:{port}", None, tls / "ca.pem")).message


def test_a_password_goes_to_no_server_that_cannot_prove_its_name(tls: Path, password: Path) -> None:
    with provider(tls, implicit=True) as (taken, port):
        assert "certificate" in refused(way(f"smtps://{USER}@localhost:{port}", password)).message
        assert "certificate" in refused(way(f"smtps://{USER}@{HOST}:{port}", password, tls / "ca.pem")).message
    assert taken.mails == []


def test_who_does_not_answer_is_an_error(password: Path) -> None:
    error = refused(way(f"smtp://{USER}@{HOST}:{free_port()}", password))
    assert error.message.endswith("takes no notice: [Errno 111] Connection refused")


@contextmanager
def endless(greeting: bytes, tls: Path | None) -> Iterator[int]:
    """A server that says this at once, and then one byte after the other without end; gives its port."""
    over = threading.Event()
    listener = socket.create_server((HOST, 0))

    def serve() -> None:
        connection, _ = listener.accept()
        if tls is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
            connection = context.wrap_socket(connection, server_side=True)
        with connection, suppress(OSError):
            connection.sendall(greeting)
            while not over.wait(0.02):
                connection.sendall(b"2")

    with ThreadPoolExecutor(1) as pool, listener:
        pool.submit(serve)
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("greeting", [b"", b"220 here\r\n"])
def test_a_server_that_never_ends_an_answer_is_given_up(tls: Path, greeting: bytes, implicit: bool) -> None:
    with endless(greeting, tls if implicit else None) as port:
        by = Submission("localhost", port, implicit=implicit, authorities=tls / "ca.pem", within=0.5)
        assert refused(by).message == f"localhost:{port} takes no notice: it was given up after 0.5 seconds"


def program(folder: Path, ends: str = "") -> tuple[str, Path]:
    """One that takes mail as sendmail(8) does, and where it keeps what it got."""
    kept, file = folder / "kept", folder / "sendmail"
    file.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{kept}.words\ncat >{kept}\n{ends}\n')
    file.chmod(0o755)
    return str(file), kept


def test_a_sendmail_is_handed_the_mail_and_its_receiver(tmp_path: Path) -> None:
    file, kept = program(tmp_path)
    Notices(way(file), "you@example.net").tell(SCENE, NEWS)
    assert kept.with_suffix(".words").read_text().split() == ["-i", "--", "you@example.net"]
    assert kept.read_bytes().startswith(b"To: you@example.net\nSubject: [mail.example.org] 1 failure\n")
    Notices(way(file), sender="me@example.net").tell(SCENE, NEWS)
    assert kept.with_suffix(".words").read_text().split() == ["-i", "-f", "me@example.net", "--", SCENE.plan.contact]


def test_a_sendmail_may_deliver_after_it_has_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    file, _ = program(tmp_path, f"sleep 20 & echo $! >{pid}")
    Notices(way(file), "you@example.net").tell(SCENE, NEWS)
    os.kill(int(pid.read_text()), signal.SIGKILL)  # raises where it is gone


def test_a_sendmail_that_fails_is_an_error(tmp_path: Path) -> None:
    file, _ = program(tmp_path, "echo no route >&2; exit 75")
    assert refused(way(file)).message == f"{file} failed with status 75: no route"


def test_this_machines_sendmail_is_found_or_another_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(MailnixError) as caught:
        sendmail(str(tmp_path))
    assert "--notify-by" in caught.value.hint
    file, _ = program(tmp_path)
    assert sendmail(str(tmp_path)).program == file


@pytest.mark.parametrize(
    ("text", "has_password", "said"),
    [
        ("smtps://me:secret@localhost", False, "a password on the command line is seen by all"),
        ("smtps://me@localhost", False, "a user has no password"),
        ("smtps://localhost", True, "a password has no user"),
        ("https://localhost", False, "is no submission server"),
        ("smtps://localhost:port", False, "is no submission server"),
        ("smtps://localhost/inbox", False, "is no submission server"),
        ("/nonexistent", False, "is no program that can be run"),
        ("", False, "is no program that can be run"),
        ("smtps://", False, "is no submission server"),
        ("/usr/sbin/sendmail", True, "a password is for a submission server"),
    ],
)
def test_what_is_no_way_is_said_so(password: Path, text: str, has_password: bool, said: str) -> None:
    with pytest.raises(MailnixError) as caught:
        way(text, password if has_password else None)
    assert said in caught.value.message


def test_servers_are_asked_at_their_usual_ports() -> None:
    ways = [way(f"{scheme}://mail.provider.example") for scheme in ("smtps", "smtp")]
    assert [each.port for each in ways if isinstance(each, Submission)] == [465, 587]


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (None, 0, "there is no {}"),
        ("", 0o600, "{} holds no password"),
        ("a\nb\n", 0o600, "{} holds more than one line"),
        (PASSWORD, 0o640, "{} is open to others (mode 0640)"),
    ],
)
def test_a_password_that_is_not_there_for_its_owner_alone_is_told_with_the_command_that_mends_it(
    tmp_path: Path, text: str | None, mode: int, said: str
) -> None:
    file = tmp_path / ("a folder" if text is None else "") / "a password"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    with pytest.raises(MailnixError) as caught:
        way(f"smtps://{USER}@localhost", file)
    assert caught.value.message.startswith(said.format(file))
    run(["sh", "-c", caught.value.hint.partition(": ")[2]], stdin=f"{PASSWORD}\n".encode())
    mended = way(f"smtps://{USER}@localhost", file)
    assert isinstance(mended, Submission)
    assert mended.password is not None
    assert mended.password.reveal() == PASSWORD.encode()


def test_what_is_well_again_is_told_once_and_what_stays_is_not(tmp_path: Path) -> None:
    (tmp_path / "mail.py").write_text(CONFIG)
    file, kept = program(tmp_path)
    changes = pipeline.Changes(tmp_path / "state.json", Notices(way(file), "you@example.net"))

    def subject(answer: Answer) -> str:
        """Of the mail that a run sends which finds this."""
        kept.unlink(missing_ok=True)
        verdict = Verdict("jar", answer, "biscuits")
        check: Check[Verdict] = Check("jars.full", "It is full.", Severity.WARNING, Vantage.HERE, lambda said: [said])
        group = Group("jars", (check,), lambda _scene, _wanted: verdict)
        pipeline.doctor(tmp_path / "mail.py", Scene, ["jars"], changes, more=[group])
        mail = message_from_string(kept.read_text() if kept.exists() else "")
        return str(mail["Subject"])

    runs = [Answer.WELL, Answer.WRONG, Answer.WRONG, Answer.UNASKED, Answer.WRONG, Answer.WELL, Answer.WELL]
    assert [(number, said) for number, said in enumerate(map(subject, runs)) if said != "None"] == [
        (1, "[mail.example.org] 1 warning"),
        (5, "[mail.example.org] 1 well again"),
    ]


@define
class Counted:
    """A way that takes all, and counts."""

    mails: int = 0

    def hand(self, message: EmailMessage, to: str, sender: str) -> None:
        self.mails += 1


def looks(folder: Path, state: Path, by: Counted, gather: Callable[[], object] = object) -> None:
    """A run that finds a jar to be empty."""
    (folder / "mail.py").write_text(CONFIG)
    empty = Verdict("jar", Answer.WRONG, "no biscuits")
    check: Check[object] = Check("jars.full", "It is full.", Severity.WARNING, Vantage.HERE, lambda _facts: [empty])
    group = Group("jars", (check,), lambda _scene, _wanted: gather())
    changes = pipeline.Changes(state, Notices(by, "you@example.net"))
    pipeline.doctor(folder / "mail.py", Scene, ["jars"], changes, more=[group])


def test_no_mail_leaves_that_could_not_be_remembered_and_what_was_found_is_there(tmp_path: Path) -> None:
    by = Counted()
    state = tmp_path / ("n" * 250)  # which leaves no room for a name beside it, for root, too
    with pytest.raises(Untold) as caught:
        looks(tmp_path, state, by)
    assert (by.mails, [each.id for each in caught.value.news]) == (0, ["jars.full"])
    assert str(state) in caught.value.message


def test_two_runs_at_once_send_one_mail(tmp_path: Path) -> None:
    by, both = Counted(), threading.Barrier(2, timeout=30)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(looks, tmp_path, tmp_path / "state", by, both.wait) for _ in range(2)]
        for run in runs:
            run.result()
    assert by.mails == 1


class Nobody:
    """A way that nothing takes."""

    def hand(self, message: EmailMessage, to: str, sender: str) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    "host", ["mail.example.org", "MAIL.example.org.", "5.9.100.1", f"[{IPv6Address(PUBLIC6).exploded}]"]
)
def test_what_is_watched_does_not_carry_its_own_notices(host: str) -> None:
    with pytest.raises(MailnixError) as caught:
        Notices(way(f"smtps://{host}"), "you@example.net").ready(SCENE)
    assert "is what is watched" in caught.value.message


def test_who_reads_mail_there_is_told_that_notices_may_come_late() -> None:
    said: list[str] = []
    scene = evolve(SCENE, say=said.append)
    Notices(Nobody()).ready(scene)
    assert "postmaster@example.org, who does not get them while" in said.pop()
    Notices(Nobody(), "you@example.net").ready(scene)
    assert said == []
