"""Machines that are not reached, that join or leave, or are called something else: what becomes of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from mailnix.debian.package import package_name
from mailnix.deploy.commands import Commands
from mailnix.deploy.links import Tie
from mailnix.deploy.machine import Machine, Unreached
from mailnix.deploy.values import Facts, Status
from mailnix.errors import DeployError
from mailnix.plan import Plan
from mailnix.plan.logins import USER
from mailnix.services.generations.names import PACKAGE
from mailnix.services.haraka import npm_tree
from mailnix.ssh import Way

BACK = "back"
"""How a change ended that was taken back: the machine's program says so."""


def refuse(plan: Plan, unreached: Mapping[str, Unreached], reached: Collection[str]) -> None:
    """Raise Unreached where nothing can be done without a machine: all of them, or the only proxy.

    Home is judged when it is known what differs.
    """
    proxies = [host for host in unreached if host != plan.internal.name]
    if proxies and not any(proxy.name in reached for proxy in plan.proxies):
        raise unreached[proxies[0]]
    if unreached and not reached:
        raise next(iter(unreached.values()))


def by_tunnel_alone(plan: Plan, machine: Machine, error: Unreached, status: Mapping[str, Status]) -> Unreached:
    """What it means that home is not reached, where it is by way of proxies, none of which is one of ours yet.

    They may take the place of the only one: its tunnel is home's last, and could not be left by one change.
    """
    home, proxies = plan.internal.name, [proxy.name for proxy in plan.proxies]
    if machine.host != home or not machine.way.jump or any(name in status and status[name].current for name in proxies):
        return error
    names, has = ", ".join(proxies), "has" if len(proxies) == 1 else "have"
    return Unreached(
        f"{home} is reached by a tunnel alone, and {names} {has} none to it yet",
        "where one proxy takes another's place: add the new one, deploy, then take the old one out and deploy again; "
        f"or say where {home} is in its own network: --to {home}=root@ADDRESS",
    )


def to_change(
    plan: Plan,
    unreached: Mapping[str, Unreached],
    ties: Sequence[Tie],
    status: Mapping[str, Status],
    commands: Commands,
) -> frozenset[str] | None:
    """The machines that may change while others are not reached, None for all; raises DeployError.

    Without home only proxies that went back from the tunnel that is described: home may have it, and be out of reach
    for that alone. Another proxy would take mail that home knows nothing of, or be cut off from it.
    """
    home = plan.internal.name
    for tie in ties:
        if tie.proxy in unreached and home not in unreached:
            what, names = " and ".join(tie.what), (home, *(proxy.name for proxy in plan.proxies))
            others = commands.deploy(*(host for host in names if host not in unreached))
            raise DeployError(
                f"the tunnel to {tie.proxy} changes ({what}), and {tie.proxy} is not reached",
                f"have it started; or, to change the others without it: {others}",
            )
    if home not in unreached:
        return None
    mended = {tie.proxy for tie in ties if tie.proxy in status and _went_back(status[tie.proxy])}
    if not mended:
        raise unreached[home]
    return frozenset(mended)


def _went_back(status: Status) -> bool:
    return status.last is not None and status.last.end == BACK


def told(unreached: Mapping[str, Unreached], commands: Commands) -> DeployError:
    """What is said at the end of those that were passed by."""
    names = [*unreached]
    are, stay, they = ("is", "stays", "it is") if len(names) == 1 else ("are", "stay", "they are")
    why = "; ".join(error.message for error in unreached.values())
    return DeployError(
        f"{', '.join(names)} {are} not reached, and {stay} as {they}: {why}",
        f"once {they} back: {commands.deploy(*names)}",
    )


def refuse_alone(plan: Plan, changing: Collection[str], status: Mapping[str, Status], commands: Commands) -> None:
    """Raise DeployError where a proxy joins, and home, which runs, has no tunnel to it yet."""
    home = plan.internal.name
    now = status[home].running if home in status else None
    for proxy in plan.proxies:
        new = proxy.name not in status or status[proxy.name].running is None
        if now and new and proxy.name in changing and home not in changing and proxy.name not in now.links:
            raise DeployError(
                f"{home} has no tunnel to {proxy.name} yet",
                f"deploy both: {commands.deploy(home, proxy.name)}",
            )


def left(plan: Plan, links: Facts, commands: Commands) -> Iterator[str]:
    """What to say of proxies to which home has a tunnel, and which are described no more."""
    for name, tunnel in links.items():
        if name not in {host.name for host in plan.hosts}:
            way = Way(f"{USER}@{tunnel.get('endpoint', 'ADDRESS')}", config=commands.ssh_config)
            there = way.typed(*_purge(name, npm_tree.PACKAGE))
            yield (
                f"{name}: is described no more, and {plan.internal.name} has no tunnel to it then: mail that it still "
                f"gets stays there. Take its records out of DNS; to give the server back: {there}"
            )


def _purge(name: str, *more: str) -> tuple[str, ...]:
    return ("apt-get", "purge", package_name(name), *more, PACKAGE)


def another(plan: Plan, host: str, found: Sequence[str], way: Way, commands: Commands, *, was: bool) -> DeployError:
    """A machine that is another one than it should be: one that is somewhere else, or that has a new name.

    `was`: there is a server of before, which a purge gives back.
    """
    known = {each.name for each in plan.hosts}
    if gone := [name for name in found if name not in known]:
        haraka = () if host == plan.internal.name else (npm_tree.PACKAGE,)
        purge = f"{way.typed(*_purge(gone[0], *haraka))}, then deploy with --take-over"
        anew = purge if was else f"{commands.build()}, and its new image (a purge has no server of before to give back)"
        return DeployError(
            f"{way} is {gone[0]}, which is described no more, and not {host}: nothing was changed",
            f"call it {gone[0]} again; or give it another name by setting it up anew, without mail meanwhile: {anew}",
        )
    hint = f"say where {host} is: --to {host}=TARGET"
    return DeployError(f"{way} is {', '.join(found)}, not {host}: nothing was changed", hint)
