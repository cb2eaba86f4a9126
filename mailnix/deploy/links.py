"""What both ends of a tunnel must agree on, and so which machines change together or not at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from mailnix.deploy.commands import Commands
from mailnix.deploy.values import Facts
from mailnix.errors import DeployError
from mailnix.plan import Plan
from mailnix.plan.types import TunnelEnd, TunnelLink

Names = Mapping[str, Collection[str]]


@frozen
class Tie:
    """A tunnel that changes: its proxy, what of it, and the machines that are still to change for it."""

    proxy: str
    what: tuple[str, ...]
    hosts: tuple[str, ...]


def facts(plan: Plan, host: str) -> dict[str, dict[str, object]]:
    """What a machine's generation says of its tunnels; it is kept with the generation."""
    return {link.proxy.host: _facts(link) for link in plan.tunnels if host in _ends(link)}


def _facts(link: TunnelLink) -> dict[str, object]:
    return {
        "port": link.port,
        "endpoint": str(link.endpoint),
        "proxy": _addresses(link.proxy),
        "internal": _addresses(link.internal),
    }


def _addresses(end: TunnelEnd) -> list[str]:
    return [str(end.ipv4), str(end.ipv6)]


def _ends(link: TunnelLink) -> tuple[str, str]:
    return link.internal.host, link.proxy.host


def ties(plan: Plan, running: Mapping[str, Facts], wanted: Mapping[str, Facts], credentials: Names) -> tuple[Tie, ...]:
    """The tunnels that are up and change.

    `running` has the machines that have a generation, with what it says of their tunnels; `wanted` likewise, after the
    change; `credentials` the names of those that each machine has not yet, or has others of.
    """
    return tuple(_ties(plan, running, wanted, credentials))


def _ties(plan: Plan, running: Mapping[str, Facts], wanted: Mapping[str, Facts], credentials: Names) -> Iterator[Tie]:
    for link in plan.tunnels:
        name, what, hosts = link.proxy.host, [], []
        for end in (link.internal, link.proxy):
            differs = [
                *_differing(running.get(end.host, {}).get(name), wanted.get(end.host, {}).get(name)),
                *(_keys(end, credentials.get(end.host, ())) if end.host in running else ()),
            ]
            if differs:
                hosts.append(end.host)
                what += [each for each in differs if each not in what]
        if hosts:
            yield Tie(name, tuple(what), tuple(hosts))


def _differing(now: Mapping[str, object] | None, then: Mapping[str, object] | None) -> Iterator[str]:
    """Nothing where there was no such tunnel, or is none any more: one end alone may have it, and waits."""
    if now is None or then is None:
        return
    for key, value in then.items():
        if now.get(key) != value:
            yield f"its {'addresses' if isinstance(value, list) else key}"


def _keys(end: TunnelEnd, changed: Collection[str]) -> Iterator[str]:
    if {end.private_key, end.preshared_key, end.peer_public_key} & {*changed}:
        yield "its keys"


def refuse_halves(found: Iterable[Tie], named: Collection[str], commands: Commands) -> None:
    """Raise DeployError where a tunnel would change at one end alone."""
    for tie in found:
        without = [host for host in tie.hosts if host not in named]
        if without and len(without) < len(tie.hosts):
            what = " and ".join(tie.what)
            both = f"at both ends or not at all: {', '.join(without)} is not named"
            raise DeployError(
                f"the tunnel to {tie.proxy} changes ({what}), {both}",
                f"deploy them together: {commands.deploy(*tie.hosts)}",
            )


def groups(order: Sequence[str], found: Iterable[Tie]) -> tuple[tuple[str, ...], ...]:
    """The machines to change, in their order; those that a tunnel ties together are one group, where the first is."""
    group_of = {host: {host} for host in order}
    for tie in found:
        together = [host for host in tie.hosts if host in group_of]
        joined = {host for each in together for host in group_of[each]}
        group_of |= dict.fromkeys(joined, joined)
    made: list[tuple[str, ...]] = []
    for host in order:
        if not any(host in group for group in made):
            made.append(tuple(each for each in order if each in group_of[host]))
    return tuple(made)
