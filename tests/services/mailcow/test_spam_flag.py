"""Who reads X-Spam-Flag in Mailcow reads what its own rspamd says, asked here of a real one with our files."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailnix.plan import derive
from mailnix.services.mailcow.render import RSPAMD_LOCAL_PATH, SPAM_FLAG, files
from rig import answers, free_port, until
from tests.attacks.marks import Kind, attack
from tests.nixos.regenerate import REPOSITORY
from tests.services.conftest import topology

THEIRS = REPOSITORY / "mailnix/lab/fake_mailcow/tree/data/conf/rspamd/local.d/milter_headers.conf"  # as Mailcow's
FORGED = "X-Spam-Flag: YES\r\n" * 2
DATED = "Date: Thu, 26 Nov 2026 06:00:00 +0000\r\n"
CONFIGURATION = """\
options {{ pidfile = "{folder}/pid"; url_tld = "{folder}/tld"; filters = ""; dns {{ nameserver = "127.0.0.1:1"; }} }}
logging {{ type = "console"; level = "error"; }}
modules {{ path = "{plugins}/milter_headers.lua"; try_path = "{folder}/plugins.d/"; }}
lua = "/usr/share/rspamd/rules/rspamd.lua";
actions {{ reject = 15; add_header = 0.5; }}
milter_headers {{ .include "{theirs}" }}
.include(priority=1,duplicate=merge) "{folder}/rspamd.conf.local"
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
"""
PLUGINS = Path("/usr/share/rspamd/plugins")

missing = not PLUGINS.is_dir() or shutil.which("rspamd") is None
pytestmark = pytest.mark.skipif(missing, reason="rspamd is not installed")


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("rspamd"), free_port()
    texts = files(derive(topology()))
    (folder / "plugins.d").mkdir()
    (folder / "plugins.d" / Path(SPAM_FLAG).name).write_text(texts[SPAM_FLAG])
    (folder / "rspamd.conf.local").write_text(texts[RSPAMD_LOCAL_PATH])
    (folder / "tld").write_text("org\n")  # the whole list takes a minute
    text = CONFIGURATION.format(folder=folder, port=port, theirs=THEIRS, plugins=PLUGINS)
    (folder / "rspamd.conf").write_text(text)
    words = ["rspamd", "-f", "-i", "-c", str(folder / "rspamd.conf"), f"--var=DBDIR={folder}", f"--var=RUNDIR={folder}"]
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT)
    try:
        until(lambda: answers(port), "rspamd answers", seconds=120)
        yield f"http://127.0.0.1:{port}/checkv2"
    finally:
        process.terminate()
        process.wait(60)


def headers(url: str, text: str) -> tuple[Any, Any]:
    """How often X-Spam-Flag goes (0: each), and what comes in its place."""
    mail = f"From: <a@example.org>\r\nTo: <b@example.net>\r\nSubject: x\r\n{text}Message-ID: <1@x.org>\r\n\r\nx\r\n"
    with urllib.request.urlopen(urllib.request.Request(url, mail.encode()), timeout=60) as answer:
        milter = json.load(answer)["milter"]
    return milter["remove_headers"].get("X-Spam-Flag"), milter["add_headers"].get("X-Spam-Flag")


@attack(Kind.FORGERY, right="every one goes, none comes", source="the reader of a filter's word believes that filter")
def test_a_sender_who_writes_x_spam_flag_twice_is_not_believed(rspamd: str) -> None:
    assert headers(rspamd, DATED + FORGED) == (0, None)


def test_rspamds_own_word_stands(rspamd: str) -> None:
    gone, own = headers(rspamd, FORGED)  # without a date: a point, of half a point that is needed
    assert gone == 0
    assert (own if isinstance(own, str) else own["value"]) == "YES"
