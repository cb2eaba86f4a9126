"""The check of backups sees what a bad restore leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix.lab.internet.layout import INTERNET
from mailnix.lab.scenario import CheckFailed, Scene, restore

from .conftest import Guests
from .internets import TLS

OTHER = {**TLS, "sha256": "cd" * 32}


def box(count: int = 1, text: str = "Subject: old\n\nhi\n", tls: dict[str, Any] = TLS) -> dict[str, Any]:
    return {"ok": bool(count), "count": count, "messages": [text] * count, "tls": tls}


def restored(guests: Guests, **wrong: Any) -> None:
    """A internet in which a restore does what it should, but for what is `wrong`."""
    well = {"received": box(), "before": box(), "gone": box(0), "after": box(), "late": box(0), "new": box()}
    found: dict[str, Any] = {**well, **wrong}
    fate = {"relay": "mail.example.org[203.0.113.10]:25", "status": wrong.get("fate", "sent"), "said": "", "tls": ""}
    guests[INTERNET].when("post.py send", {"ok": True, "recipients": {"alice@example.org": fate}})
    guests[INTERNET].when("probe.py imap", [found[when] for when in well])
    guests["proxy"].when("^bash", 0)
    home = guests["internal"].when("docker logs", "").when("find .*-delete", "").when("mailcow-backup$", "whole")
    home.when("doveadm expunge", "").when(restore.RESTORE, "restored")
    home.when("journalctl", wrong.get("log", "Mailcow is up\n0 changes, 0 refused\n"))


def test_a_restore_that_brings_back_what_was_there_passes(scene: Scene, guests: Guests) -> None:
    restored(guests)
    assert "the old mail is back" in restore.brings_back_what_was_backed_up(scene)
    asked = guests["internal"].asked
    assert asked.index("mailcow-backup") < asked.index(f"{restore.DESTROY} -delete")
    assert asked.index(f"{restore.DESTROY} -delete") < asked.index(restore.RESTORE)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"after": box(0)}, "0 copies"),
        ({"after": box(2)}, "2 copies"),
        ({"after": box(text="Subject: another\n\nhi\n")}, "came back as another"),
        ({"after": box(tls=OTHER)}, "another certificate"),
        ({"late": box()}, "after the backup is still there"),
        ({"new": box(0)}, "0 copies"),
        ({"log": "example.org: DKIM key 'dkim' imported\n1 changes, 0 refused\n"}, "something to do afterwards"),
        ({"log": "alice@example.org: added\n10 changes, 0 refused\n"}, "something to do afterwards"),
        ({"gone": box()}, "could not be expunged"),
        ({"fate": "deferred"}, "could not deliver"),
    ],
)
def test_a_restore_that_does_not_is_noticed(scene: Scene, guests: Guests, wrong: dict[str, Any], why: str) -> None:
    restored(guests, **wrong)
    with pytest.raises(CheckFailed, match=why):
        restore.brings_back_what_was_backed_up(scene)
