"""Queues, XCLIENT and certificates, asked of files and of servers on this machine."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from mailnix.doctor.machines.guest import mail
from mailnix.doctor.machines.guest.talk import Refused
from rig import certificates
from tests.doctor.machines.guest.fake import NOW, Fake
from tests.doctor.machines.guest.servers import Mail

QUEUE = "/var/lib/haraka-out/queue"


def queued(seconds: float) -> str:
    """Haraka's name of a mail that came so long ago."""
    return f"{int((NOW - seconds) * 1000)}_{int(NOW * 1000)}_0_812_a1B2c3_4_proxy"


def test_mails_in_harakas_queue_are_counted_by_their_names(fake: Fake) -> None:
    for name in (queued(60), queued(7200), f"__tmp__.{queued(9000)}", ".hidden", "notes.txt", "\udcff"):
        fake.file(f"{QUEUE}/{name}")
    said = mail.queue(fake.here, {"folder": QUEUE, "late": 3600.0})
    assert said == {"count": 2, "oldest": pytest.approx(7200, abs=1), "late": 1, "reasons": []}


def test_an_empty_queue_is_empty(fake: Fake) -> None:
    (fake.folder / "root" / "queue").mkdir()
    assert mail.queue(fake.here, {"folder": "/queue", "late": 1.0})["count"] == 0


def asked(fake: Fake, port: int, *elsewhere: tuple[int, bool]) -> dict[str, Any]:
    told = {"host": "127.0.0.1", "port": port, "name": "mail.example.org", "elsewhere": [[*each] for each in elsewhere]}
    said: dict[str, Any] = mail.xclient(fake.here, told)
    return said


def test_xclient_that_is_offered_and_done_is_effective(fake: Fake) -> None:
    with Mail(xclient="220 mail.example.org ESMTP").serving() as port, Mail().serving() as other:
        said = asked(fake, port, (other, False))
    assert (said["offered"], said["effective"], said["elsewhere"], said["unasked"]) == (True, True, [], [])


def test_xclient_that_is_not_offered_is_said_so(fake: Fake) -> None:
    with Mail().serving() as port:
        assert asked(fake, port)["offered"] is False


def test_xclient_that_is_refused_is_not_effective(fake: Fake) -> None:
    with Mail(xclient="550 5.7.0 Error: insufficient authorization").serving() as port:
        said = asked(fake, port)
    assert (said["offered"], said["effective"]) == (True, False)
    assert "insufficient authorization" in said["said"]


def test_a_server_that_still_takes_us_for_ourselves_has_not_done_it(fake: Fake) -> None:
    with Mail(xclient="220 fine", believing=False).serving() as port:
        assert asked(fake, port)["effective"] is False


def test_xclient_on_a_port_for_mail_programs_is_found(fake: Fake, tmp_path: Path) -> None:
    folder = certificates.make("mail.example.org").serve(tmp_path / "tls")
    offers = "220 fine"
    with (
        Mail(xclient=offers).serving() as port,
        Mail(xclient=offers, certificate=folder).serving() as submission,
        Mail(xclient=offers, certificate=folder, implicit=True).serving() as submissions,
    ):
        said = asked(fake, port, (submission, False), (submissions, True))
    assert said["elsewhere"] == [submission, submissions]


def test_a_port_that_is_closed_is_not_asked(fake: Fake) -> None:
    with Mail(xclient="220 fine").serving() as port:
        with Mail().serving() as closed:
            pass
        said = asked(fake, port, (closed, False))
    assert said["effective"]
    assert said["unasked"][0][0] == closed


@pytest.mark.parametrize("greeting", ["554 not you", "SSH-2.0-OpenSSH_10"])
def test_a_server_that_is_not_ready_is_a_reason(fake: Fake, greeting: str) -> None:
    with Mail(greeting=greeting).serving() as port, pytest.raises(Refused, match=greeting):
        asked(fake, port)


def shown(fake: Fake, port: int, starttls: str, name: str = "mail.example.org") -> dict[str, Any]:
    place = {"host": "127.0.0.1", "port": port, "name": name, "starttls": starttls}
    ((said),) = mail.served(fake.here, {"anchors": "/anchors.crt", "places": [place]})
    found: dict[str, Any] = said
    return found


@pytest.mark.parametrize("starttls", ["smtp", ""])
def test_the_certificate_that_is_shown_is_given_and_believed(fake: Fake, tmp_path: Path, starttls: str) -> None:
    authority = certificates.make("Authority", authority=True)
    leaf = certificates.make("mail.example.org", authority)
    fake.file("/anchors.crt", authority.pem.decode())
    with Mail(certificate=leaf.serve(tmp_path / "tls"), implicit=not starttls).serving() as port:
        said = shown(fake, port, starttls)
    assert base64.b64decode(said["der"]) == leaf.certificate.public_bytes(Encoding.DER)
    assert (said["doubt"], said["refused"]) == ("", "")


@pytest.mark.parametrize(
    ("name", "expired", "trusted", "doubt"),
    [
        ("mail.example.org", False, False, "self-signed"),
        ("other.example.org", False, True, "Hostname mismatch"),
        ("mail.example.org", True, True, "expired"),
    ],
)
def test_a_certificate_that_no_mail_program_believes_is_given_with_a_doubt(
    fake: Fake, tmp_path: Path, name: str, expired: bool, trusted: bool, doubt: str
) -> None:
    authority = certificates.make("Authority", authority=True)
    leaf = certificates.make(name, authority if trusted else None, expired=expired)
    fake.file("/anchors.crt", authority.pem.decode())
    with Mail(certificate=leaf.serve(tmp_path / "tls")).serving() as port:
        said = shown(fake, port, "smtp")
    assert said["der"]
    assert doubt in said["doubt"]


def test_where_nobody_answers_no_certificate_is_shown(fake: Fake) -> None:
    with Mail().serving() as port:
        pass
    said = shown(fake, port, "smtp")
    assert (said["der"], said["refused"]) == ("", "connection refused")


def test_a_server_without_starttls_shows_none(fake: Fake) -> None:
    with Mail().serving() as port:
        assert shown(fake, port, "smtp")["refused"] == "it offers no starttls"


def test_the_newest_of_a_names_certificates_counts(fake: Fake) -> None:
    old, new = (certificates.make("mail.example.org") for _ in range(2))
    fake.file("/store/one/a/a.crt", old.pem.decode())
    fake.file("/store/two/a/a.crt", new.pem.decode() + old.pem.decode())
    os.utime(fake.folder / "root/store/one/a/a.crt", (1, 1))
    told = [{"name": "a", "path": "/store/*/a/a.crt"}, {"name": "b", "path": "/store/*/b/b.crt"}]
    first, second = mail.files(fake.here, told)
    assert first["der"] == b"".join(new.pem.splitlines()[1:-1]).decode()
    assert (second["there"], second["der"]) == (False, "")


@pytest.mark.parametrize("text", ["", "rubbish", "-----BEGIN CERTIFICATE-----\n"])
def test_a_file_without_a_certificate_is_said_to_be_there(fake: Fake, text: str) -> None:
    fake.file("/a.crt", text)
    assert mail.files(fake.here, [{"name": "a", "path": "/a.crt"}])[0] == {
        "name": "a",
        "path": "/a.crt",
        "there": True,
        "der": "",
    }
