"""Credentials that would all be others: of a second administrator with a fresh clone, or a wrong --secrets.

They would be sent, confirmed (both ends of a tunnel agree) and used: with them go the DKIM keys that DNS has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from mailnix.deploy.asking import Asked, Asking
from mailnix.deploy.commands import Commands
from mailnix.deploy.machine import Machine, Unreached
from mailnix.errors import DeployError
from mailnix.plan import Plan
from mailnix.plan.types import SecretKind

CHANGES_OFTEN: Final = {SecretKind.GIVEN, SecretKind.MAILBOX_BUNDLE}


def refuse_new_folder(plan: Plan, machines: Mapping[str, Machine], folder: Path, commands: Commands) -> None:
    """Raise DeployError where a machine has been set up, and the folder has no credential of it.

    Asked before any is made; a machine that is not reached says nothing.
    """
    known = {each.host for each in plan.credentials if (folder / each.host / each.name).exists()}
    for host, machine in machines.items():
        if host not in known:
            with suppress(Unreached):
                _refuse_set_up(machine, folder, commands)


def _refuse_set_up(machine: Machine, folder: Path, commands: Commands) -> None:
    found = machine.probe()
    now = machine.status().running if found.has_program else None
    if found.image or (now is not None and now.digest):
        raise DeployError(
            f"{machine.host} ({machine.way}) has been set up with credentials, and {folder} has none of its",
            "name the folder that has them: --secrets DIR; only where it is lost,"
            f" this makes others: {commands.secrets_of('init')}",
        )


def ask(asking: Asking, asked: Asked, lacking: Mapping[str, Collection[str]]) -> None:
    """Ask whether a machine shall have other credentials throughout; raises DeployError where it shall not.

    `lacking` are names of those that it has not, or has others of. One from an image may have none yet.
    """
    for host in sorted(asked.running & {*lacking}):
        now = asked.status[host].running
        lasting = {each.name for each in asking.plan.host(host).credentials if each.kind not in CHANGES_OFTEN}
        if now is None or not now.digest or not lasting or lasting - {*lacking[host]}:
            continue
        what = f"{host} runs generation {now.generation} with other credentials than {asking.secrets} has, all of them"
        if asking.dry_run:
            asking.say(what)
        elif not asking.take_over(f"{what}: its tunnels' keys too, and at home DKIM's, which DNS has"):
            raise DeployError(
                f"{what}: nothing was changed",
                "name the folder that has them: --secrets DIR; only where it is lost: --take-over",
            )
