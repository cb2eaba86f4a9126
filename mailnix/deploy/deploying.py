"""`mailnix deploy`: what differs, in which order it is brought there, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from attrs import evolve, frozen

from mailnix.deploy import absent, links, strange, taken, upgrading
from mailnix.deploy.asking import Asked, Asking, ask
from mailnix.deploy.making import credentials_archive
from mailnix.deploy.moves import Move
from mailnix.deploy.publishing import keys_left, records, records_changed, refuse_ahead
from mailnix.deploy.scene import Here, Scene
from mailnix.deploy.staging import Credentials, forget, forgotten, stage
from mailnix.deploy.switching import TakenBack, bring
from mailnix.deploy.values import Difference, End, Outcome, Report, Upgrades
from mailnix.errors import DeployError, SecretsError
from mailnix.plan import Plan

FIRST: Final = "its first generation"
AS_BUILT: Final = "mailnix deploy has not brought what it runs"
SHOWN: Final = 5  # names in a line


@frozen
class Deploying:
    """What a deploy is given; `asking` says which machines, and how they are reached."""

    asking: Asking
    credentials: Credentials
    here: Here
    within: int
    upgrade: bool = False

    @property
    def plan(self) -> Plan:
        """What is described."""
        return self.asking.plan

    @property
    def order(self) -> tuple[str, ...]:
        """The machines to change: home first, so that no proxy takes mail that home knows nothing of yet."""
        hosts = (self.plan.internal.name, *(proxy.name for proxy in self.plan.proxies))
        return tuple(host for host in hosts if host in self.asking.named)

    def scene(self, asked: Asked) -> Scene:
        """What switching works with."""
        asking = self.asking
        return Scene(self.plan, asked.machines, self.within, asking.say, asking.clock, self.here)


class Failed(DeployError):
    """A deploy that did not come to its end; `report` has what became of each machine."""

    def __init__(self, error: DeployError, report: Report) -> None:
        super().__init__(error.message, error.hint)
        self.report = report


def deploy(deploying: Deploying) -> Report:
    """Bring the named machines to their description; raises DeployError before anything changed, Failed after."""
    asked = ask(deploying.asking)
    differing = {host: difference(deploying, asked, host) for host in asked.machines}
    strange.ask(deploying.asking, asked, {host: each.credentials for host, each in differing.items()})
    found = tied(deploying, asked, differing)
    todo = _todo(deploying, asked, differing, found)
    if (home := deploying.plan.internal.name) in todo:
        taken.refuse(deploying.plan, asked.machines[home])
    outcomes = _left_alone(deploying, asked, differing, todo)
    staged = stage(deploying.asking, deploying.credentials, asked, differing, todo)
    outcomes |= {host: Outcome(host, End.PLANNED, why=FIRST) for host in todo if host not in staged}
    with forgotten(staged):
        return _brought(deploying, asked, staged, outcomes, found)


def _brought(
    deploying: Deploying,
    asked: Asked,
    staged: dict[str, Move],
    outcomes: dict[str, Outcome],
    found: Sequence[links.Tie],
) -> Report:
    """Switch what is staged, group after group, each of which is taken out of it then; in a dry run, say what it is."""
    moves, todo = dict(staged), [*staged, *(host for host, each in outcomes.items() if each.end is End.PLANNED)]
    records = Report((), *records_changed(deploying.plan, [asked.status.get(host) for host in todo]))
    records = evolve(records if todo else Report(()), upgrade=deploying.upgrade)
    upgrades = upgrading.offered(deploying.asking, asked, deploying.order) if deploying.upgrade else {}
    if deploying.asking.dry_run:
        outcomes |= {host: move.ended(End.PLANNED) for host, move in moves.items()}
        return _finished(deploying, asked, _report(deploying, asked, outcomes, records, upgrades))
    untouched = {host: move.ended(End.UNTOUCHED) for host, move in moves.items()}
    try:
        upgrades = upgrading.upgrade(deploying.scene(asked), upgrades)
    except upgrading.NotAll as error:
        raise _failed(deploying, asked, error, untouched | outcomes, error.found) from None
    running = asked.running
    for group in links.groups([*moves], found):
        changing = [staged.pop(host) for host in group]
        try:
            done = bring(deploying.scene(asked), changing, running, deploying.asking.commands)
        except TakenBack as error:
            outcomes |= {each.host: each for each in error.outcomes}
            forget(move for move in changing if outcomes[move.host].end is End.BACK)
            raise _failed(deploying, asked, error, untouched | outcomes, upgrades) from None
        outcomes |= {each.host: each for each in done}
        running |= {*group}
    return _finished(deploying, asked, _report(deploying, asked, outcomes, records, upgrades))


def _failed(
    deploying: Deploying,
    asked: Asked,
    error: DeployError,
    outcomes: Mapping[str, Outcome],
    upgrades: Mapping[str, Upgrades],
) -> Failed:
    """The world learns nothing of it."""
    return Failed(error, _report(deploying, asked, outcomes, Report((), upgrade=deploying.upgrade), upgrades))


def _todo(
    deploying: Deploying, asked: Asked, differing: Mapping[str, Difference], ties: Sequence[links.Tie]
) -> list[str]:
    """The machines to change, in their order; raises DeployError where they cannot without others."""
    plan, asking = deploying.plan, deploying.asking
    links.refuse_halves(ties, deploying.order, asking.commands)
    only = absent.to_change(plan, asked.unreached, ties, asked.status, asking.commands)
    if only is not None:
        asking.say(f"{plan.internal.name}: perhaps for that alone, the tunnel to {listed([*only])} is mended first")
    todo = [host for host in deploying.order if host in differing and differing[host].why]
    todo = [host for host in todo if only is None or host in only]
    absent.refuse_alone(plan, todo, asked.status, asking.commands)
    after = dict.fromkeys(todo, records(plan))
    refuse_ahead(plan, asked.status, after, asking.commands)
    for line in keys_left(plan, asked.status, after):
        asking.say(line)
    return todo


def _left_alone(
    deploying: Deploying, asked: Asked, differing: Mapping[str, Difference], todo: Collection[str]
) -> dict[str, Outcome]:
    """What is known of the machines that do not change."""
    outcomes = {host: Outcome(host, End.UNREACHED) for host in asked.unreached}
    for host in (host for host in deploying.order if host in differing and host not in todo):
        status = asked.status.get(host)
        current, end = status.current if status else None, End.UNTOUCHED if differing[host].why else End.AS_DESCRIBED
        outcomes[host] = Outcome(host, end, current, current, differing[host].why)
    return outcomes


def _finished(deploying: Deploying, asked: Asked, report: Report) -> Report:
    """All is done that can be; raises Failed where machines were passed by. The world then learns of no records."""
    plan, home = deploying.plan, deploying.plan.internal.name
    for each in report.machines:
        if each.host == home and each.end is not End.AS_DESCRIBED:
            for line in absent.left(plan, asked.links.get(home, {}), deploying.asking.commands):
                deploying.asking.say(line)
    if asked.unreached:
        error = absent.told(asked.unreached, deploying.asking.commands)
        raise Failed(error, evolve(report, publish=(), remove=()))
    return report


def _report(
    deploying: Deploying,
    asked: Asked,
    outcomes: Mapping[str, Outcome],
    records: Report,
    upgrades: Mapping[str, Upgrades],
) -> Report:
    machines = [outcomes[host] for host in deploying.order if host in outcomes]
    maker = deploying.asking.maker
    told = (upgrading.with_all(each, asked.status.get(each.host), maker, upgrades.get(each.host)) for each in machines)
    return evolve(records, machines=tuple(told))


def difference(deploying: Deploying, asked: Asked, host: str) -> Difference:
    """What a machine lacks of its description; of one that is not named, only whose credentials are not there yet."""
    status, named = asked.status.get(host), host in deploying.asking.named
    if not named and (status is None or status.running is None):
        return Difference()
    try:
        credentials = deploying.credentials(host)
    except SecretsError:
        if named:
            raise
        return Difference()
    digest = deploying.asking.maker.digest(host)
    if status is None or status.running is None:
        return Difference(FIRST, digest, tuple(credentials))
    lacking = asked.machines[host].compare(credentials_archive(credentials))
    reasons = []
    if status.running.digest != digest:
        reasons.append("its description changed" if status.running.digest else AS_BUILT)
    if status.drift:
        reasons.append(f"changed by hand: {listed(status.drift)}")
    if lacking:
        reasons.append(f"credentials: {listed(lacking)}")
    return Difference("; ".join(reasons), digest, lacking)


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def tied(deploying: Deploying, asked: Asked, differing: Mapping[str, Difference]) -> tuple[links.Tie, ...]:
    """The tunnels that are up and will be others."""
    plan = deploying.plan
    wanted = {host: links.facts(plan, host) for host in asked.machines}
    return links.ties(plan, asked.links, wanted, {host: each.credentials for host, each in differing.items()})
