"""Ask every machine what it is and what runs there, and see that those to be changed can be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from mailnix.deploy import absent
from mailnix.deploy import probe as probes
from mailnix.deploy.commands import Commands
from mailnix.deploy.machine import Busy, Machine, Unreached
from mailnix.deploy.making import Maker
from mailnix.deploy.nixos.program import NAME
from mailnix.deploy.nixos.rebuild import anywhere, untrusted
from mailnix.deploy.probe import Probe
from mailnix.deploy.scene import Clock, Say
from mailnix.deploy.values import Facts, Status
from mailnix.errors import DeployError
from mailnix.formats.backend import Backend
from mailnix.plan import Plan
from mailnix.plan.logins import USER
from mailnix.services.generations.names import KEEPER
from mailnix.ssh import Way

TakeOver = Callable[[str], bool]
"""Asks whether a server may become ours, after saying what that means."""


@frozen
class Asking:
    """Whom to ask, and what for. `named` machines will be changed, the others may be out of reach.

    Those with a change that waits for its confirmation are refused; with `only_ours` those that mailnix has not set up
    are, in their place. What somebody named, `by_name`, must be reached. Each machine's own system counts; `backend`
    says that it must be that one. `secrets` is where credentials are, for people;
    `commands` are those to type next.
    """

    plan: Plan
    machines: Mapping[str, Machine]
    named: Collection[str]
    by_name: Collection[str] = field(factory=tuple, kw_only=True)
    maker: Maker
    folder: Path
    take_over: TakeOver
    say: Say
    clock: Clock
    commands: Commands
    backend: Backend | None = None
    dry_run: bool = False
    only_ours: bool = False
    secrets: str = "the secrets folder"


@frozen
class Asked:
    """What the machines said: of those that are reached, and have our program, what runs there.

    `unreached` are those that should have changed, too.
    """

    machines: Mapping[str, Machine] = field(factory=dict)
    status: Mapping[str, Status] = field(factory=dict)
    unreached: Mapping[str, Unreached] = field(factory=dict)

    @property
    def running(self) -> frozenset[str]:
        """Machines that have a generation."""
        return frozenset(host for host, status in self.status.items() if status.running)

    @property
    def links(self) -> dict[str, Facts]:
        """What each says of its tunnels."""
        return {host: status.running.links for host, status in self.status.items() if status.running}


def ask(asking: Asking) -> Asked:
    """Every machine, proxies first, since they may know of a way home; raises DeployError."""
    machines: dict[str, Machine] = {}
    status: dict[str, Status] = {}
    unreached: dict[str, Unreached] = {}
    for host in (each.name for each in asking.plan.hosts):
        machine = asking.machines.get(host)
        if machine is None:
            if host in asking.named:
                raise _no_way(asking, host)
            continue
        machine.also(_ways_of_before(asking.plan, host, status))
        try:
            found = _asked(asking, machine)
        except Unreached as unreachable:
            error = absent.by_tunnel_alone(asking.plan, machine, unreachable, status)
            if host in asking.by_name:
                raise error from None
            if host in asking.named:
                unreached[host] = error
            asking.say(f"{host}: not reached, so nothing is asked there ({error.message})")
            continue
        machines[host] = machine
        if found is not None:
            status[host] = found
    absent.refuse(asking.plan, unreached, machines)
    return Asked(machines, status, unreached)


def _no_way(asking: Asking, host: str) -> DeployError:
    if asking.plan.host(host).sealed:
        hint = f"build it anew: {asking.commands.build()}"
        return DeployError(f"{host} is sealed: nobody logs in, so it stays as it is", hint)
    return DeployError(
        f"only the home router knows the address of {host}", f"say where it is: --to {host}=root@ADDRESS"
    )


def _ways_of_before(plan: Plan, host: str, status: Mapping[str, Status]) -> tuple[Way, ...]:
    """Home by the tunnels that the proxies have now: their addresses may be others than those described."""
    if host != plan.internal.name or not plan.internal.jump_hosts:
        return ()
    return tuple(
        Way(f"{USER}@{tunnel['internal'][0]}", f"{USER}@{proxy.ipv4}")
        for proxy in plan.proxies
        if proxy.name in status and (running := status[proxy.name].running)
        if (tunnel := running.links.get(proxy.name))
    )


def _asked(asking: Asking, machine: Machine) -> Status | None:
    """What runs on one machine; None where none of our generations can."""
    host, found = machine.host, machine.probe()
    if host not in asking.named:
        return _known(asking.plan, host, machine.status()) if found.has_program else None
    _refuse(asking, machine, found)
    status = _known(asking.plan, host, machine.status()) if _has_program(asking, machine, found) else None
    if status is None:
        return None
    others = {each.host for each in status.generations} - {host, ""}
    if others:
        raise absent.another(asking.plan, host, sorted(others), machine.way, asking.commands, was=found.was)
    if status.pending is not None and not asking.only_ours:
        raise waits(asking, status, host)
    if found.image and status.current is None and not (found.is_nixos or asking.dry_run or asking.only_ours):
        status = _adopted(asking, machine)
    runs = f"generation {status.current}" if status.current else "no generation yet"
    asking.say(f"{host}: {machine.way}, {found.name}, {runs}")
    return status


def _known(plan: Plan, host: str, status: Status) -> Status:
    """What a machine says; one of NixOS that others brought its generation (colmena, an image) tells no facts of it.

    Its tunnels are taken for others than those described, and so change at both ends together.
    """
    now = status.running
    if status.program != NAME or now is None or now.digest:
        return status
    unknown: Facts = {link.proxy.host: {} for link in plan.tunnels if host in (link.proxy.host, link.internal.host)}
    kept = tuple(evolve(each, links=unknown) if each is now else each for each in status.generations)
    return evolve(status, generations=kept)


def _refuse(asking: Asking, machine: Machine, found: Probe) -> None:
    host = asking.plan.host(machine.host)
    probes.refuse(found, host, machine.way, asking.backend, anywhere(asking.commands, host.name, machine.way))
    if found.is_nixos and found.sudo and not (found.trusted or asking.only_ours):
        raise untrusted(host.name, machine.way)
    if found.image and found.host != host.name:
        name = found.host or "another machine"
        raise absent.another(asking.plan, host.name, [name], machine.way, asking.commands, was=found.was)
    if not found.has_program and asking.only_ours:
        raise DeployError(f"{host.name} has no generation yet", f"bring it up: {asking.commands.deploy(host.name)}")
    if not found.is_ours:
        probes.refuse_taken(found, host, machine.way)
        text = probes.taken_over(found, host, machine.way)
        if asking.dry_run:
            asking.say(text)
        elif not asking.take_over(text):
            raise DeployError(f"{host.name}: {machine.way} stays as it is", "to let it be taken over: --take-over")


def _has_program(asking: Asking, machine: Machine, found: Probe) -> bool:
    """See that the machine's own program is there, and the one that we know."""
    there, ours = found.program, asking.maker.program_version
    if found.is_nixos or there == ours:
        return True
    if asking.dry_run:
        return bool(there)
    asking.say(f"{machine.host}: installing what keeps its generations ({ours})")
    machine.install(asking.maker.program(asking.folder))
    return True


def _adopted(asking: Asking, machine: Machine) -> Status:
    """Have a machine that was built as an image keep what it is, since purging a first generation is no way back."""
    asking.say(f"{machine.host}: what it runs becomes the generation to go back to")
    machine.adopt(asking.maker.adoption(machine.host))
    return machine.status()


def waits(asking: Asking, status: Status, host: str) -> Busy:
    """The one line for whoever comes while another one's change is not confirmed yet."""
    pending = status.pending
    assert pending is not None, "something waits"
    brought = status.made(pending.to)
    by = f", which {brought.by} brought" if brought and brought.by else ""
    if pending.problem:
        hint = f"see to that there; it tries on by itself (journalctl -u {KEEPER})"
        return Busy(f"{host} cannot take generation {pending.to}{by} back yet: {pending.problem}", hint)
    if not pending.installed:
        what = f"{host} is just being switched to generation {pending.to}{by}"
        return Busy(what, f"wait for its end, or take it back: {asking.commands.rollback(host)}")
    until = f"at {asking.clock.at(pending.left)}, in {pending.left} seconds" if pending.left else "just now"
    return Busy(
        f"{host} waits for the confirmation of generation {pending.to}{by}; else it goes back by itself {until}",
        f"wait for that, or take it back at once: {asking.commands.rollback(host)}",
    )
