"""A mail of the doctor's own, from programs that say what Postfix', Dovecot's and Haraka's do."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix.doctor.machines.guest import post
from tests.doctor.machines.guest.fake import NOW, Fake

LOG = """\
[NOTICE] [-] [outbound] delivered file=1_2_0_a domain=other.example host=mx.other.example ip=192.0.2.9 port=25 tls=Y \
response="250 for others" delay=0.4 fails=0 rcpts=1/1
[NOTICE] [-] [outbound] delivered file=1_2_0_b domain=far.example host=mx.far.example ip=192.0.2.8 port=25 tls=Y \
response="2.0.0 OK 17645 gsmtp" delay=1.25 fails=0 rcpts=1/1
"""
DEFERRED = "[NOTICE] [-] [outbound] <you@far.example> deferred: 451 4.7.1 Greylisted\n"


def test_a_mail_is_given_to_postfix_as_it_is(fake: Fake) -> None:
    fake.program(
        "docker", f'[ "$1" = ps ] && echo c1 && exit; echo "$@" > {fake.folder}/words; cat > {fake.folder}/mail'
    )
    told = {
        "project": "p",
        "service": "postfix-mailcow",
        "config": "/opt/postfix/conf",
        "sender": "alice@example.org",
        "to": "you@far.example",
        "message": "Subject: hi\n\nhello\n",
    }
    assert post.send(fake.here, told) == NOW
    words = (fake.folder / "words").read_text().split()
    assert words[:3] == ["exec", "-i", "c1"]
    assert words[3:8] == ["sendmail", "-C", "/opt/postfix/conf", "-i", "-f"]
    assert words[8:] == ["alice@example.org", "--", "you@far.example"]
    assert (fake.folder / "mail").read_text() == "Subject: hi\n\nhello\n"


def fate(fake: Fake, log: str) -> Any:
    fake.says("journalctl", log)
    told = {"unit": "haraka-out.service", "since": 1000.7, "domain": "Far.example", "to": "you@far.example"}
    return post.fate(fake.here, told)


@pytest.mark.parametrize(
    ("log", "taken", "problem"),
    [
        ("", "", ""),
        (LOG, "2.0.0 OK 17645 gsmtp", ""),
        (DEFERRED, "", DEFERRED.strip()),
        (DEFERRED + LOG, "2.0.0 OK 17645 gsmtp", DEFERRED.strip()),
        ("\0\0 delivered file= domain=\n", "", ""),
    ],
)
def test_what_the_receivers_server_said_is_in_harakas_log(fake: Fake, log: str, taken: str, problem: str) -> None:
    assert fate(fake, log) == {"taken": taken, "problem": problem}


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("", ""),
        ("text:\nSubject: hi\n\ntoken-1\n\f\n", "Subject: hi\n\ntoken-1"),
        ("text:\nSubject: other\n\n\f\ntext:\nSubject: hi\n\ntoken-1\n", "Subject: hi\n\ntoken-1"),
    ],
)
def test_a_mail_is_found_by_its_token(fake: Fake, printed: str, found: str) -> None:
    fake.file("/printed", printed)
    fake.program("docker", f'[ "$1" = ps ] && echo c1 && exit; cat {fake.folder}/root/printed')
    told = {
        "project": "p",
        "service": "dovecot-mailcow",
        "mailbox": "a@b.example",
        "folder": "INBOX",
        "token": "token-1",
    }
    assert post.fetch(fake.here, told) == found
