"""A fault of ours ends one session, and not Haraka."""

from __future__ import annotations

import pytest

import rig as stands
from mailnix.services.haraka.render import files_in
from mailnix.services.haraka.values import HarakaIn
from tests.services.haraka.incoming import HELO, MESSAGE, XCLIENT, Raw

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

FAULTY = """\
exports.register = () => {
    require('./transaction').Transaction.prototype.add_data = (bytes) => {
        if (String(bytes).includes('Subject')) throw new Error('oops')
    }
}
"""


def test_an_exception_over_a_message_ends_that_session_and_no_other() -> None:
    port = stands.free_port()
    with stands.stand() as stand, stands.sink(replies=XCLIENT) as mailcow:
        settings = HarakaIn(
            hostname="mail.example.org",
            listen=(f"127.0.0.1:{port}",),
            backend_host="127.0.0.1",
            backend_port=mailcow.port,
            domains=("example.org",),
            certificate_folder=str(stand.certificate_folder),
            nameserver=f"127.0.0.1:{stands.free_port()}",
        )
        plugins = "\n".join((*settings.plugins, "faulty", ""))
        files = {**files_in(settings), "plugins/faulty.js": FAULTY, "config/plugins": plugins}
        with stands.haraka(stand, files, port) as server:
            with Raw.to(server, "127.0.5.1") as other, Raw.to(server, "127.0.5.2") as session:
                session.in_data().send(MESSAGE + b".\r\n")
                assert [reply[:3] for reply in session.replies()] == ["421"]
                assert other.ask(f"EHLO {HELO}")[:3] == "250"
            assert "a fault of ours: Error: oops" in server.log
