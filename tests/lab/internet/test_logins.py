"""The mail programs' own program, against servers in this process that speak four protocols."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mailnix.lab.internet.guest import logins

from .test_probe import HERE, tls

__all__ = ["tls"]

STARTTLS = {b"x STARTTLS", b"STLS", b"STARTTLS"}
MESSAGE = [b"Subject: word-1", b"", b"..a dot", b"bye"]
HELLO = {
    "imap": b"* OK hi\r\n",
    "pop3": b"+OK hi\r\n",
    "smtp": b"220-hello\r\n220 hi\r\n",
    "sieve": b'"SIEVE" "fileinto"\r\nOK "hi"\r\n',
}
GOOD = {"imap": b"* CAPABILITY x\r\nx OK in\r\n", "pop3": b"+OK 1 20\r\n", "smtp": b"250-x\r\n250 y\r\n"}
GOOD["sieve"] = b'OK "in"\r\n'
BAD = {"imap": b"x NO no\r\n", "pop3": b"-ERR no\r\n", "smtp": b"535 no\r\n", "sieve": b'NO "no"\r\n'}


def answer(protocol: str, line: bytes, right: str) -> bytes:
    """What a server says, that lets in whoever has this password."""
    secret = base64.b64encode(f"\0a@b\0{right}".encode())
    if line.startswith(b"RETR"):
        return b"+OK\r\n" + b"".join(part + b"\r\n" for part in (*MESSAGE, b"."))
    asked = any(word in line for word in (b"LOGIN", b"PASS", b"AUTH"))
    return BAD[protocol] if asked and right.encode() not in line and secret not in line else GOOD[protocol]


def read_line(sock: socket.socket) -> bytes:
    """Byte by byte, so that nothing of TLS is taken along; empty at the end, or for an empty line."""
    line = b""
    while (byte := sock.recv(1)) not in (b"", b"\n"):
        line += byte
    return line.strip()


def converse(sock: socket.socket, protocol: str, implicit: bool, server: ssl.SSLContext, right: str) -> None:
    """Greet, and answer line by line; TLS begins where it is asked for."""
    with suppress(OSError):
        sock = server.wrap_socket(sock, server_side=True) if implicit else sock
        sock.sendall(HELLO[protocol])
        while line := read_line(sock):
            secure = line in STARTTLS
            sock.sendall(GOOD[protocol] if secure else answer(protocol, line, right))
            if secure:
                sock = server.wrap_socket(sock, server_side=True)
                if protocol == "sieve":
                    sock.sendall(HELLO[protocol])
    sock.close()


@contextmanager
def serving(protocol: str, tls: Path, *, implicit: bool, right: str = "secret") -> Iterator[str]:
    """A server for any number of sessions; gives what `--at` takes."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls / "server.pem")
    with socket.create_server((HERE, 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    sock, _peer = listening.accept()
                    words = (sock, protocol, implicit, context, right)
                    threading.Thread(target=converse, args=words, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"{protocol}:{listening.getsockname()[1]}:{int(implicit)}"
        listening.shutdown(socket.SHUT_RDWR)


def asked(capsys: pytest.CaptureFixture[str], tls: Path, verb: str, ats: Sequence[str], *more: str) -> logins.Result:
    who = (f"--source={HERE}", "--host=localhost", f"--ca={tls / 'ca.pem'}", "--login=a@b", *more)
    assert logins.main([verb, *who, *(f"--at={at}" for at in ats)]) == 0
    found: logins.Result = json.loads(capsys.readouterr().out)
    return found


EACH = [(protocol, implicit) for protocol in logins.PROTOCOLS for implicit in (True, False)]


@pytest.mark.parametrize(("protocol", "implicit"), EACH)
def test_a_password_is_taken_or_refused(
    capsys: pytest.CaptureFixture[str], tls: Path, protocol: str, implicit: bool
) -> None:
    with serving(protocol, tls, implicit=implicit) as at:
        (found,) = asked(capsys, tls, "logins", [at], "--password=secret")["answers"]
        assert found["ok"], found
        assert found["tls"]["names"] == ["localhost"]
        (wrong,) = asked(capsys, tls, "logins", [at], "--password=other")["answers"]
    assert not wrong["ok"]
    assert "no" in wrong["said"]


def test_every_service_is_tried_and_one_refusal_is_told(capsys: pytest.CaptureFixture[str], tls: Path) -> None:
    with serving("imap", tls, implicit=True) as one, serving("sieve", tls, implicit=False, right="x") as other:
        found = asked(capsys, tls, "logins", [one, other], "--password=secret")
    assert not found["ok"]
    assert [each["ok"] for each in found["answers"]] == [True, False]


def test_a_certificate_that_nobody_vouches_for_is_no_refusal(capsys: pytest.CaptureFixture[str], tls: Path) -> None:
    with serving("imap", tls, implicit=True) as at:
        where = ("--host=other.test", f"--connect={HERE}", "--password=secret")
        (found,) = asked(capsys, tls, "logins", [at], *where)["answers"]
    assert "said" not in found
    assert "certificate verify failed" in found["error"]


def test_guesses_go_to_the_services_in_turn_and_none_gets_in(capsys: pytest.CaptureFixture[str], tls: Path) -> None:
    with serving("imap", tls, implicit=True) as one, serving("pop3", tls, implicit=False) as other:
        found = asked(capsys, tls, "guesses", [one, other], "--count=4", "--token=t")
    assert found["ok"], found
    assert [each["service"] for each in found["answers"]] == ["imap", "pop3", "imap", "pop3"]


def test_a_guess_that_gets_in_is_told(capsys: pytest.CaptureFixture[str], tls: Path) -> None:
    with serving("imap", tls, implicit=True, right="wrong-0") as at:
        assert not asked(capsys, tls, "guesses", [at], "--count=2", "--token=t")["ok"]


@pytest.mark.parametrize(("token", "count"), [("word-1", 1), ("word-2", 0)])
def test_mail_is_fetched_by_pop3(capsys: pytest.CaptureFixture[str], tls: Path, token: str, count: int) -> None:
    with serving("pop3", tls, implicit=True) as at:
        found = asked(capsys, tls, "fetch", [at], "--password=secret", f"--token={token}")
    assert found["count"] == count
    assert found["messages"] == ["Subject: word-1\r\n\r\n.a dot\r\nbye"] * count


def test_nobody_there_is_a_result(capsys: pytest.CaptureFixture[str], tls: Path) -> None:
    with socket.create_server((HERE, 0)) as unused:
        port = unused.getsockname()[1]
    (found,) = asked(capsys, tls, "logins", [f"imap:{port}:1"], "--password=x")["answers"]
    assert "refused" in found["error"].lower()
    assert not asked(capsys, tls, "fetch", [f"pop3:{port}:1"], "--password=x")["ok"]
