"""Is Mailcow well: containers, images, backups, what it should hold, who may administer it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.doctor.machines.asked import DRILL, INSIDE
from mailnix.doctor.machines.facts import Admin, Backups, Container, Containers, Image, Provision
from mailnix.doctor.machines.seen import Asking, Seen, days
from mailnix.doctor.values import Answer, Severity, Verdict
from mailnix.plan import InternalPlan
from mailnix.services.mailcow import units as mailcow
from mailnix.services.mailcow.pinned_images import digests, familiar
from mailnix.services.mailcow.render import backup_of

OLD: Final = 2.5 * 86400.0
"""Seconds: two nights may fail, one by chance and one while somebody looks into it."""

FIRST: Final = 2 * 86400.0
"""Seconds after a machine was made in which its first backup may be still to come."""

UNTRIED: Final = 90 * 86400.0
"""Seconds: a backup that was never restored is a hope, and after three months a vain one."""

TRIED: Final = 365 * 86400.0
"""Seconds: once a year, for disks, versions and whoever knows how change."""


def containers(seen: Seen, said: Containers) -> Iterator[Verdict]:
    """Each runs, and is well as far as it can tell."""
    if seen.unit_runs(mailcow.MAILCOW) is False:
        yield Verdict(seen.name, Answer.UNASKED, "mailcow.service does not run", seen.on("systemctl start mailcow"))
        return
    there = {each.service for each in said.containers}
    missing = [service for service in said.services if service not in there]
    ill = [each for each in said.containers if not each.is_well]
    for service in missing:
        start = seen.on("systemctl restart mailcow")
        yield Verdict(seen.about(service), Answer.ABSENT, "there is no container of it", start)
    for each in ill:
        logs = seen.on(f"journalctl CONTAINER_NAME=mailcowdockerized-{each.service}-1; systemctl restart mailcow")
        yield Verdict(seen.about(each.service), Answer.WRONG, _state(each), logs)
    if not missing and not ill:
        yield seen.well(f"{len(said.containers)} run, none is unhealthy")


def _state(each: Container) -> str:
    if each.state != "running":
        return f"it is {each.state}, with status {each.exit}"
    return f"it is {each.health}"


def images(seen: Seen, said: Containers) -> Iterator[Verdict]:
    """Mailcow and its images are the pinned ones."""
    deploy = f"mailnix deploy CONFIG {seen.name}"
    ill = False
    if said.rev != seen.pins.pin.rev:
        ill, text = True, f"its tree is of {said.rev[:12] or 'nobody knows what'}, pinned is {seen.pins.pin.tag}"
        yield Verdict(seen.about("mailcow"), Answer.WRONG, text, deploy)
    pinned = {familiar(image.name) for image in seen.pins.images}
    wanted, found = digests(seen.pins.images), {familiar(image.name): image for image in said.images}
    runs = {familiar(each.image): each for each in said.containers}
    for name, container in sorted(runs.items()):
        why = _image(container, found.get(name), wanted.get(name, ""), is_pinned=name in pinned)
        if why and not (ill and name not in pinned):  # another tree has others
            ill = True
            yield Verdict(seen.about(name), Answer.WRONG, why, seen.on("systemctl restart mailcow"))
    if not ill:
        yield seen.well(f"{seen.pins.pin.tag}, {len(runs)} images, {len(wanted)} pinned by digest")


def _image(container: Container, image: Image | None, digest: str, *, is_pinned: bool) -> str:
    """Why a container does not run what is pinned."""
    if not is_pinned:
        return f"{container.service} runs an image that is not pinned"
    if image is None or not image.id:
        return f"{container.service} runs an image that has lost its name"
    if image.id != container.runs:
        return f"{container.service} runs another image than this name means by now"
    if digest and image.digests and not any(each.endswith(f"@{digest}") for each in image.digests):
        return f"{container.service} runs another image than the pinned one, {digest[:19]}"
    return ""


def backup(seen: Seen, said: Backups) -> Iterator[Verdict]:
    """The last one is whole and young."""
    assert isinstance(seen.host, InternalPlan)
    if seen.host.backup is None:
        yield seen.well("none is described, as mailnix check says")
        return
    look, make = seen.on("journalctl -u mailcow-backup"), seen.on("systemctl start mailcow-backup")
    folder = f"{seen.host.backup.folder}/{INSIDE}"
    if said.result not in ("success", ""):
        text = f"the last run failed ({said.result}); {_last(said)}"
        yield Verdict(seen.name, Answer.WRONG, text, look)
    elif said.last is None:
        if said.born is not None and said.born < FIRST:
            yield seen.well("the machine is new, its first backup is to come")
        else:
            yield Verdict(seen.name, Answer.ABSENT, f"there is no whole backup in {folder}", make)
    elif said.last > OLD:
        yield Verdict(seen.name, Answer.WRONG, _last(said), look)
    else:
        yield seen.well(f"{said.count} whole ones; {_last(said)}")


def _last(said: Backups) -> str:
    return "there is none before" if said.last is None else f"the last whole one is {days(said.last)} old"


def drill(seen: Seen, said: Backups) -> Iterator[Verdict]:
    """Somebody has tried to restore one."""
    assert isinstance(seen.host, InternalPlan)
    note = f"{backup_of(seen.host).folder}/{INSIDE}/{DRILL}"
    advice = f"try it: docs/howto/backups.md; then, {seen.on(f'touch {note}')}"
    if seen.host.backup is None:
        yield seen.well("no backup is described")
    elif said.drill is not None and said.drill > TRIED:
        yield Verdict(seen.name, Answer.WRONG, f"the last restore was tried {days(said.drill)} ago", advice)
    elif said.drill is None and said.born is not None and said.born > UNTRIED:
        yield Verdict(seen.name, Answer.ABSENT, f"none was tried in the {days(said.born)} of this machine", advice)
    else:
        yield seen.well("not tried yet" if said.drill is None else f"tried {days(said.drill)} ago")


def provision(seen: Seen, said: Provision) -> Iterator[Verdict]:
    """Mailcow holds what is described."""
    words = f": {said.said[-1]}" if said.said else ""
    look = seen.on(f"journalctl -u {mailcow.PROVISION}, then: systemctl restart {mailcow.PROVISION}")
    if said.active == "active":
        yield seen.well(f"done{words}")
    elif seen.unit_runs(mailcow.MAILCOW) is False:
        yield Verdict(seen.name, Answer.UNASKED, "mailcow.service does not run", seen.on("systemctl start mailcow"))
    elif said.active == "failed":
        yield Verdict(seen.name, Answer.WRONG, f"the last run failed{words}", look)
    elif said.active == "inactive":
        yield Verdict(seen.name, Answer.ABSENT, f"it has not run since the machine started{words}", look)
    else:
        tried = said.result not in ("success", "")
        text = f"the last run failed, and is tried again{words}" if tried else f"it is not done yet{words}"
        yield Verdict(seen.name, Answer.WRONG, text, look, severity=None if tried else Severity.WARNING)


def admin(seen: Seen, said: Admin) -> Iterator[Verdict]:
    """Mailcow's well-known first password is gone."""
    again = seen.on(f"systemctl restart {mailcow.PROVISION}, which sets it; keep the pages closed until then")
    if said.first:
        yield Verdict(seen.name, Answer.WRONG, "admin has the password that all the world knows", again)
    elif said.there and not said.set and said.first is None:
        text = "nobody knows whether admin still has the password that all the world knows"
        yield Verdict(seen.name, Answer.WRONG, text, again)
    else:
        yield seen.well("admin has a password of its own" if said.there else "there is no admin of the known name")


CHECKS: Final = (
    Asking("containers", "Mailcow's containers run.", Severity.FAILURE, "containers", containers, ("units",)),
    Asking("images", "Mailcow and its images are the pinned ones.", Severity.WARNING, "containers", images),
    Asking("provision", "Mailcow holds what is described.", Severity.FAILURE, "provision", provision, ("units",)),
    Asking("admin", "Mailcow's first password is gone.", Severity.FAILURE, "admin", admin),
    Asking("backup", "The last backup is whole and young.", Severity.FAILURE, "backup", backup),
    Asking("drill", "A backup was restored by way of trial.", Severity.WARNING, "backup", drill),
)
