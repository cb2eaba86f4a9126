"""haraka-in under several names, for real: who asks for one is shown the certificate for it."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator

import pytest

import rig as stands
from mailnix.services.haraka.render import files_in
from mailnix.services.haraka.values import HarakaIn
from rig import Haraka, Stand
from rig.certificates import make

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

ROOT = make("public authority", authority=True)
NEW, OLD, BROKEN = "mail.example.org", "mx.old.example", "mx.broken.example"


@pytest.fixture(scope="module")
def server() -> Iterator[Haraka]:
    with stands.stand() as stand:
        yield from _running(stand)


def _running(stand: Stand) -> Iterator[Haraka]:
    folder = make(NEW, ROOT).serve(stand.folder / "certificates")
    make(OLD, ROOT).serve(folder / OLD)
    (folder / BROKEN).mkdir()
    (folder / BROKEN / "cert.pem").write_text("half")
    (folder / BROKEN / "key.pem").write_text("half")
    port = stands.free_port()
    settings = HarakaIn(
        hostname=NEW,
        listen=(f"127.0.0.1:{port}",),
        backend_host="127.0.0.1",
        backend_port=stands.free_port(),
        domains=("example.org",),
        certificate_folder=str(folder),
        former_hostnames=(OLD, BROKEN),
    )
    with stands.haraka(stand, files_in(settings), port) as running:
        yield running


def verified(server: Haraka, name: str) -> bool:
    """Whether a sender that keeps an MTA-STS policy with this name would send."""
    context = ssl.create_default_context(cadata=ROOT.pem.decode())
    with smtplib.SMTP("127.0.0.1", server.port, timeout=60) as session:
        session.ehlo()
        assert session.docmd("STARTTLS")[0] == 220
        assert session.sock is not None
        try:
            context.wrap_socket(session.sock, server_hostname=name).close()
        except ssl.SSLCertVerificationError:
            return False
        finally:
            session.close()
        return True


def test_a_sender_sees_the_certificate_of_the_name_that_it_asks_for(server: Haraka) -> None:
    assert [verified(server, name) for name in (NEW, OLD, OLD.upper())] == [True, True, True]


def test_a_name_without_a_usable_certificate_is_shown_the_usual_one(server: Haraka) -> None:
    assert [verified(server, name) for name in (BROKEN, "mx.nobody.example")] == [False, False]
    assert f"the key or the certificate for {BROKEN} cannot be used" in server.log


def test_a_new_certificate_for_a_former_name_is_read_when_tls_ini_changes(server: Haraka) -> None:
    folder = server.folder.parent / "certificates"
    for file in ("cert.pem", "key.pem"):
        (folder / BROKEN / file).unlink()
    (folder / BROKEN).rmdir()
    make(BROKEN, ROOT).serve(folder / BROKEN)
    (server.folder / "config/tls.ini").touch()
    stands.until(lambda: verified(server, BROKEN), "the new certificate is shown", seconds=90)
