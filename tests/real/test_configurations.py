"""Dovecot and rspamd of this machine understand the configuration that Mailcow's entrypoints leave, with ours in it."""

from __future__ import annotations

from mailnix.run import Completed
from rig.mailcow import Mailcow


def test_dovecot_reads_its_configuration(provisioned: Mailcow) -> None:
    done: Completed = provisioned.once("dovecot")
    assert done.status == 0, done.stderr[-2000:]
    assert "auth_mechanisms = plain login" in done.stdout


def test_rspamd_reads_its_configuration(provisioned: Mailcow) -> None:
    done: Completed = provisioned.once("rspamd")
    assert (done.status, done.stdout.strip().splitlines()[-1]) == (0, "syntax OK"), done.stderr[-2000:]
