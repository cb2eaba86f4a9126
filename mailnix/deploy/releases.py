"""Releases of Mailcow: which one takes over from which, since their databases go along."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from attrs import evolve

from mailnix.deploy.asking import Asking
from mailnix.deploy.commands import Commands
from mailnix.deploy.machine import Machine
from mailnix.deploy.values import MAILCOW, Changes, Made, older
from mailnix.errors import DeployError
from mailnix.services.generations.names import MAILCOW as PACKAGE
from mailnix.services.mailcow import units
from mailnix.services.mailcow.render import SECRETS

STARTS: Final = frozenset({units.MAILCOW, "docker.service"})
"""Units with which Mailcow starts anew."""


def another(before: Made | None, rev: str) -> str:
    """The revision of a Mailcow that takes over from another one; of a machine that did not say which, none does."""
    return rev if before and before.mailcow and before.mailcow != rev else ""


def again(before: Made | None, rev: str, changes: Changes, credentials: Collection[str]) -> str:
    """The revision of a Mailcow that starts anew in a change, with other settings or credentials; of the first, none.

    It stops in the background, greets for a moment yet, and its unit is tried for ever, so that it never fails.
    """
    starts = {unit for unit, _ in changes.units} & STARTS or {*credentials} & {*SECRETS.values()}
    return rev if before and starts else ""


def known(machine: Machine, before: Made | None, rev: str) -> Made | None:
    """The generation that runs, with Mailcow's revision: what an image laid does not say it, but its tree is there."""
    if before is None or before.mailcow or not rev:
        return before
    ((laid, said),) = machine.look([("release", "", 0)])
    return evolve(before, mailcow=said if laid else "")


def refuse_older(host: str, before: Made | None, parts: Mapping[str, str], commands: Commands) -> None:
    """Raise DeployError where an older Mailcow would find a newer one's database."""
    ours, theirs = parts.get(MAILCOW, ""), before.parts.get(MAILCOW, "") if before else ""
    if older(ours, theirs):
        raise DeployError(
            f"{host} runs Mailcow {theirs}, and this mailnix brings {ours}, which does not know its database",
            "update mailnix; or, where the machine keeps a generation with it: "
            + commands.rollback(host, "N", databases=True),
        )


def refuse_forgotten(asking: Asking, host: str, before: Made | None, debs: Collection[str]) -> None:
    """Ask, where a machine runs a tree of Mailcow that was given, and is given none; raises DeployError."""
    given = any(name.startswith(f"{PACKAGE}_") for name in before.debs) if before else False
    if not given or any(name.startswith(f"{PACKAGE}_") for name in debs):
        return
    what = f"{host} runs a Mailcow that was given with --mailcow-source, and none is given now: the pinned one comes"
    if asking.dry_run:
        asking.say(what)
    elif not asking.take_over(what):
        raise DeployError(f"{what}; nothing was changed", "give it again: --mailcow-source DIR; else: --take-over")
