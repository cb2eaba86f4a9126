"""A backup that is restored: the machine is what it was when the backup was made, and mail flows on."""

from __future__ import annotations

from typing import Any, Final

from mailnix.lab.internet import mail as remote
from mailnix.lab.ready import takes_mail
from mailnix.lab.scenario import mails
from mailnix.lab.scenario.evidence import require
from mailnix.lab.scenario.scene import DELIVERY, Scene
from mailnix.model import paths
from mailnix.services.mailcow.units import PROVISION

BACKUP: Final = "mailcow-backup"
RESTORE: Final = "mailcow-restore latest --yes"
WORK: Final = 900.0  # seconds for either, in emulation: Mailcow stops and starts
# Accounts and DKIM keys: what comes back came from the backup, or provisioning would have to say that it made it.
DESTROY: Final = f"find {paths.DOCKER}/volumes/*_mysql-vol-1/_data {paths.DOCKER}/volumes/*_redis-vol-1/_data -type f"


def brings_back_what_was_backed_up(scene: Scene) -> str:
    """After mail, accounts and keys are lost, a restore brings back what the backup has, and nothing else."""
    guest, old = scene.internal, mails.received(scene, 4)
    before = _the_one(scene, old.token)
    guest.succeed(BACKUP, timeout=WORK)
    scene.doveadm("expunge", "-u", scene.user, "mailbox", "INBOX", "text", old.token)
    require(scene.fetched(scene.user, old.token, wait=0)["count"] == 0, "the mail could not be expunged")
    late = _delivered(scene, "late")
    guest.succeed(f"{DESTROY} -delete")
    since = scene.moment()
    guest.succeed(RESTORE, timeout=WORK)
    after = _the_one(scene, old.token)
    require(after["messages"] == before["messages"], "the mail came back as another", after["messages"])
    require(after.get("tls") == before.get("tls"), "mail programs see another certificate than before")
    require(scene.fetched(scene.user, late, wait=0)["count"] == 0, "a mail that came after the backup is still there")
    # A restore that lost domains, mailboxes or DKIM keys would leave work to the provisioner.
    log = guest.succeed(f"journalctl --unit={PROVISION} --since=@{since} --output=cat --no-pager")
    require("0 changes, 0 refused" in log.splitlines(), "provisioning had something to do afterwards", log)
    scene.wait_for(
        "Mailcow to take mail", lambda: scene.guest(scene.proxy.name).execute(takes_mail(scene.proxy)).status == 0
    )
    new = _delivered(scene, "new")
    _the_one(scene, new)
    return (
        f"{scene.user}: the old mail is back, the late one is not, a new one arrived; no key or account was made anew"
    )


def _the_one(scene: Scene, token: str) -> dict[str, Any]:
    box = scene.fetched(scene.user, token)
    require(box["count"] == 1, f"{scene.user} has {box['count']} copies of {token} instead of one")
    return box


def _delivered(scene: Scene, what: str) -> str:
    """A mail from the internet that Mailcow took; gives its token."""
    token, user = scene.token(what), scene.user
    sender = scene.layout.mailbox(remote.CAROL)
    answer = scene.post("send", timeout=DELIVERY, sender=sender, to=user, token=token)
    fate = answer["recipients"].get(user, {})
    require(fate.get("status") == "sent", f"the {what} mail was not delivered", fate or answer)
    return token
