"""The clients' program, against servers in this process."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mailnix.lab.internet.authority import _key_pem, _leaf, _pem, _root
from mailnix.lab.internet.guest import post, probe

HERE = "127.0.0.1"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    root_key, root = _root(dt.datetime.now(dt.UTC))
    key, leaf = _leaf(("localhost",), root_key, root)
    (folder / "ca.pem").write_bytes(_pem(root))
    (folder / "server.pem").write_bytes(_key_pem(key) + _pem(leaf))
    return folder


@contextmanager
def server(answers: list[bytes], tls: Path | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """Greets with the first answer, then gives one answer to each line; collects the lines."""
    heard: list[bytes] = []
    listening = socket.create_server((HERE, 0))

    def serve() -> None:
        plain, _peer = listening.accept()
        sock: socket.socket = plain
        if tls is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(tls / "server.pem")
            sock = context.wrap_socket(plain, server_side=True)
        with sock, sock.makefile("rb") as stream:
            sock.sendall(answers[0])
            for answer in answers[1:]:
                line = stream.readline()
                heard.append(line.rstrip(b"\r\n"))
                sock.sendall(answer.replace(b"<tag>", line.split(b" ")[0]))

    def serve_one() -> None:
        with suppress(OSError):  # a client that hangs up early is not this test's subject
            serve()

    thread = threading.Thread(target=serve_one, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1], heard
    finally:
        thread.join(10)
        listening.close()


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> probe.Result:
    assert probe.main([*words, f"--source={HERE}"]) == 0
    answer: probe.Result = json.loads(capsys.readouterr().out)
    return answer


def test_a_dialog_gives_back_each_reply(capsys: pytest.CaptureFixture[str]) -> None:
    with server([b"220 hello\r\n", b"250-one\r\n250 two\r\n", b"550 no\r\n"]) as (port, heard):
        answer = asked(capsys, "smtp", f"--host={HERE}", f"--port={port}", "--line=EHLO x", "--line=RCPT TO:<a@b>")
    assert [reply["code"] for reply in answer["replies"]] == [220, 250, 550]
    assert answer["ok"] is False
    assert heard == [b"EHLO x", b"RCPT TO:<a@b>"]


def test_a_line_before_the_greeting_has_its_own_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with server([b"220 hello\r\n", b"500 what?\r\n", b"250 hi\r\n"]) as (port, heard):
        answer = asked(capsys, "smtp", f"--host={HERE}", f"--port={port}", "--early=PROXY x", "--line=EHLO x")
    assert [(r["sent"], r["code"]) for r in answer["replies"]] == [("", 220), ("PROXY x", 500), ("EHLO x", 250)]
    assert heard[0] == b"PROXY x"


def test_a_server_that_hangs_up_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    with server([b"421 go away\r\n", b""]) as (port, _heard):
        answer = asked(capsys, "smtp", f"--host={HERE}", f"--port={port}", "--line=EHLO x", "--line=MAIL FROM:<>")
    assert answer["replies"][0]["code"] == 421
    assert answer["ok"] is False


def test_nobody_there_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((HERE, 0)) as unused:
        port = unused.getsockname()[1]
    answer = asked(capsys, "smtp", f"--host={HERE}", f"--port={port}", "--line=EHLO x")
    assert answer["ok"] is False
    assert "refused" in answer["error"].lower()


PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"


def test_a_page_comes_with_the_certificates_facts(capsys: pytest.CaptureFixture[str], tls: Path) -> None:
    with server([b"", PAGE], tls) as (port, _heard):
        answer = asked(capsys, "https", "--host=localhost", f"--port={port}", f"--ca={tls / 'ca.pem'}")
    assert answer["status"] == 200
    assert answer["tls"]["names"] == ["localhost"]
    assert "mailnix lab root" in answer["tls"]["issuer"]


def test_a_certificate_for_another_name_is_refused(capsys: pytest.CaptureFixture[str], tls: Path) -> None:
    with server([b"", PAGE], tls) as (port, _heard):
        words = ("https", "--host=other.test", f"--connect={HERE}", f"--port={port}", f"--ca={tls / 'ca.pem'}")
        answer = asked(capsys, *words)
    assert answer["ok"] is False
    assert "certificate verify failed" in answer["error"]


def test_tls_comes_first_where_it_is_asked_for(capsys: pytest.CaptureFixture[str], tls: Path) -> None:
    with server([b"220 hello\r\n", b"250 hi\r\n"], tls) as (port, heard):
        words = ("--host=localhost", f"--port={port}", f"--ca={tls / 'ca.pem'}", "--implicit=1", "--line=EHLO x")
        answer = asked(capsys, "smtp", *words)
    assert [reply["code"] for reply in answer["replies"]] == [220, 250]
    assert heard == [b"EHLO x"]


def test_mail_is_submitted_with_tls_first(capsys: pytest.CaptureFixture[str], tls: Path) -> None:
    hello = b"250-x\r\n250 AUTH PLAIN\r\n"
    taking = [b"220 hi\r\n", hello, b"235 in\r\n", b"250 from\r\n", b"250 to\r\n", b"354 go\r\n"]
    with server(taking, tls) as (port, heard):
        words = ("--host=localhost", f"--port={port}", f"--ca={tls / 'ca.pem'}", "--implicit=1", "--login=a@b")
        asked(capsys, "submit", *words, "--password=p", "--to=c@d")
    assert [line.split(b" ")[0] for line in heard] == [b"ehlo", b"AUTH", b"mail", b"rcpt", b"data"]


def imap_answers(found: bytes) -> list[bytes]:
    message = b"Subject: word-1\r\n\r\nhello\r\n"
    fetch = b"* 1 FETCH (BODY[] {%d}\r\n%s)\r\n<tag> OK done\r\n" % (len(message), message)
    return [
        b"* OK [CAPABILITY IMAP4rev1] hello\r\n",
        b"* CAPABILITY IMAP4rev1\r\n<tag> OK done\r\n",
        b"<tag> OK in\r\n",
        b"* 1 EXISTS\r\n<tag> OK [READ-ONLY] open\r\n",
        b"* SEARCH" + found + b"\r\n<tag> OK done\r\n",
        *([fetch] if found else []),
        b"* BYE\r\n<tag> OK done\r\n",
    ]


@pytest.mark.parametrize(("found", "count"), [(b" 1", 1), (b"", 0)])
def test_mail_is_fetched_whole(capsys: pytest.CaptureFixture[str], tls: Path, found: bytes, count: int) -> None:
    with server(imap_answers(found), tls) as (port, heard):
        words = ("imap", "--host=localhost", f"--port={port}", f"--ca={tls / 'ca.pem'}", "--login=a@b", "--password=p")
        answer = asked(capsys, *words, "--token=word-1", "--implicit=1")
    assert answer.get("count") == count, answer
    assert answer["ok"] is bool(count)
    assert any(b'SEARCH TEXT "word-1"' in line for line in heard)


LOG = """\
Nov 22 22:00:00 mx postfix/cleanup[1]: 94F2E2AA011: message-id=<word-1@elsewhere.test>
Nov 22 22:00:01 mx postfix/smtp[2]: Verified TLS connection established to mail.example.org[203.0.113.10]:25: TLSv1.3
Nov 22 22:00:02 mx postfix/smtp[2]: 94F2E2AA011: to=<a@example.org>, relay=mail.example.org[203.0.113.10]:25, \
delay=1, dsn=4.0.0, status=deferred (host said: 451 later)
Nov 22 22:00:03 mx postfix/smtp[2]: 94F2E2AA011: to=<a@example.org>, relay=mail.example.org[203.0.113.10]:25, \
delay=9, dsn=2.0.0, status=sent (250 ok (really))
Nov 22 22:00:03 mx postfix/smtp[2]: OTHER: to=<a@example.org>, relay=none, delay=9, dsn=2.0.0, status=bounced (no)
"""


def test_the_last_word_about_a_recipient_counts() -> None:
    queue_id, lines = post.entries(LOG, "word-1")
    assert queue_id == "94F2E2AA011"
    fate = post.fates(lines)["a@example.org"]
    assert (fate["status"], fate["said"]) == ("sent", "250 ok (really)")


def test_the_tls_connection_of_a_relay_is_found() -> None:
    assert post.tls_with(LOG, "mail.example.org[203.0.113.10]:25").startswith("Verified TLS connection")
    assert post.tls_with(LOG, "other[1.2.3.4]:25") == ""


def test_a_mail_that_is_unknown_has_no_fate() -> None:
    assert post.entries(LOG, "word-2") == ("", [])
