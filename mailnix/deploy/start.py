"""A deploy, or a rollback, put together from a description: its machines over SSH, its packages, its credentials."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from mailnix.deploy import defaults, strange
from mailnix.deploy.asking import Asking, TakeOver
from mailnix.deploy.commands import Commands, option
from mailnix.deploy.debs import Debs
from mailnix.deploy.deploying import Deploying, listed
from mailnix.deploy.doors import end_shared
from mailnix.deploy.making import Makers
from mailnix.deploy.nixos.rebuild import Rebuilds
from mailnix.deploy.remote import Remote
from mailnix.deploy.scene import Say, Wall, ask_here
from mailnix.deploy.staging import Credentials
from mailnix.errors import DeployError, SecretsError
from mailnix.formats.backend import Backend
from mailnix.plan import Plan
from mailnix.secrets import Secret, credentials_of, init
from mailnix.ssh import Way, ways
from mailnix.tree import Tree


@frozen
class Reach:
    """How machines are reached: targets by machine where somebody says them, an ssh_config(5) instead of the user's."""

    targets: Mapping[str, str] = field(factory=dict)
    config: Path | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """As they are typed."""
        to = (f"{host}={target}" for host, target in self.targets.items())
        return (*option("--to", *to), *option("--ssh-config", self.config))


@frozen
class Wish:
    """What whoever deploys wants: which machines (none: all), how long a change waits, whether anything is changed.

    `backend` is the system that they must run, where somebody says it; `build_host` where NixOS's are built,
    `upgrade`: whether Debian's packages are upgraded, too.
    `mailcow_source` is a tree of Mailcow that is sent along, for a home that fetches none; `secrets` the folder that
    somebody named, `local` that of an owner's own modules of NixOS.
    """

    config: str
    hosts: tuple[str, ...]
    within: int
    dry_run: bool = False
    upgrade: bool = False
    backend: Backend | None = None
    build_host: str | None = None
    mailcow_source: Path | None = None
    secrets: Path | None = None
    local: Path | None = None

    def commands(self, reach: Reach) -> Commands:
        """Those to type next. Consent (--take-over) is not repeated: it was given for what was shown then."""
        deploys = (("--backend", self.backend), ("--build-host", self.build_host), ("--local", self.local))
        flags = (("--dry-run", self.dry_run), ("--upgrade", self.upgrade))
        return Commands(
            self.config,
            reach=reach.options,
            secrets=option("--secrets", self.secrets),
            within=option("--within", self.within) if self.within != defaults.WITHIN else (),
            deploys=(
                *(word for name, value in deploys for word in option(name, value)),
                *(flag for flag, said in flags if said),
            ),
            local=self.local,
            source=option("--mailcow-source", self.mailcow_source),
            ssh_config=reach.config,
        )


@contextmanager
def started(
    plan: Plan, folder: Path, wish: Wish, reach: Reach, take_over: TakeOver, say: Say, flake: Callable[[], Tree]
) -> Iterator[Deploying]:
    """Everything that a deploy needs, while the block lasts; `folder` has the secrets. Raises DeployError."""
    refuse_unknown(plan, (*wish.hosts, *reach.targets))
    with tempfile.TemporaryDirectory(prefix="mailnix-deploy.") as scratch:
        reached, commands = machines(plan, reach, Path(scratch), say), wish.commands(reach)
        rebuilds = Rebuilds(commands, plan.internal.name, flake, lambda host: reached[host].way, say, wish.build_host)
        asking = Asking(
            plan=plan,
            machines=reached,
            named=wish.hosts or _open(plan, say),
            by_name=wish.hosts,
            maker=Makers(Debs(plan, say, wish.mailcow_source), rebuilds, lambda host: reached[host].is_nixos),
            folder=Path(scratch),
            take_over=take_over,
            say=say,
            clock=Wall(),
            commands=commands,
            backend=wish.backend,
            dry_run=wish.dry_run,
            secrets=str(folder),
        )
        try:
            yield Deploying(asking, _credentials(plan, folder, wish, say), ask_here, wish.within, wish.upgrade)
        finally:
            end_shared(Path(scratch))


def refuse_unknown(plan: Plan, names: Iterable[str]) -> None:
    """Raise DeployError where somebody names a machine that is not described."""
    known = [host.name for host in plan.hosts]
    for name in names:
        if name not in known:
            raise DeployError(f"no machine is called {name!r}", f"there is {', '.join(known)}")


def _open(plan: Plan, say: Say) -> tuple[str, ...]:
    """The machines that somebody may log in to; the others are named, and stay as they were built."""
    for host in plan.hosts:
        if host.sealed:
            say(f"{host.name}: sealed, so it stays as it was built")
    return tuple(host.name for host in plan.hosts if not host.sealed)


def _credentials(plan: Plan, folder: Path, wish: Wish, say: Say) -> Credentials:
    """A machine's; to look at what would be done, none need be there."""

    def of(host: str) -> Mapping[str, Secret]:
        try:
            return credentials_of(plan, host, folder)
        except SecretsError as error:
            if not wish.dry_run:
                raise
            say(f"{error.message}: deploying makes what it can")
            return {}

    return of


def credentials_made(plan: Plan, folder: Path, say: Say) -> None:
    """Make every credential that is missing, and say where they are: first passwords are for their owners."""
    report = init(plan, folder)
    for made in report.made:
        if made.entries:
            say(f"made: {made.purpose} ({listed(made.entries)}): {folder / made.host / made.name}")
    if others := sum(not made.entries for made in report.made):
        say(f"made: {others} keys and passwords for the machines: {folder}")
    for note in report.notes:
        say(f"note: {note}")


def refuse_new_folder(plan: Plan, folder: Path, wish: Wish, reach: Reach, say: Say) -> None:
    """Raise DeployError where machines that are to change have been set up, and this folder has nothing of theirs."""
    reached = machines(plan, reach, None, say)
    named = {host: reached[host] for host in wish.hosts or reached if host in reached}
    strange.refuse_new_folder(plan, named, folder, wish.commands(reach))


def machines(plan: Plan, reach: Reach, sockets: Path | None, say: Say) -> dict[str, Remote]:
    """Every machine that somebody says how to reach, or the plan does.

    Where somebody says it, the plan's own ways are for after a change alone: that may be another machine before.
    """
    found: dict[str, Remote] = {}
    for host in (each.name for each in plan.hosts):
        planned = ways(plan, host, reach.config)
        said = (Way(reach.targets[host], config=reach.config),) if host in reach.targets else ()
        if said or planned:
            found[host] = Remote.by(host, said or planned, planned, sockets, say=say)
    return found
