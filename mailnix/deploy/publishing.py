"""What the world is told of a change: records of the zone; and that no proxy takes mail that home knows nothing of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mailnix.deploy.commands import Commands
from mailnix.deploy.values import Status
from mailnix.errors import DeployError
from mailnix.plan import Plan


def records(plan: Plan) -> list[str]:
    """What is to be published, a line each; what has no key yet cannot be."""
    return [f"{each.name}. {each.type} {each.data}" for each in plan.records if not each.placeholder]


def records_changed(plan: Plan, machines: Iterable[Status | None]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is to be published, and what may go, since the generations that run on these machines.

    One may have been passed by when the others learnt of it: each of them must know, before the world does.
    """
    now = records(plan)
    known = [{*status.running.records} for status in machines if status and status.running]
    every = frozenset(line for lines in known for line in lines)
    common = frozenset[str]().union(*known[:1]).intersection(*known)
    return tuple(line for line in now if line not in common), tuple(sorted(every - {*now}))


def refuse_ahead(
    plan: Plan, status: Mapping[str, Status], after: Mapping[str, Iterable[str]], commands: Commands
) -> None:
    """Raise DeployError where a proxy would take mail for a domain that home does not have, and does not get with it.

    `after` has the records of the generations that come, by machine. What is so already is not made worse.
    """
    now = {host: each.running.records for host, each in status.items() if each.running and each.running.records}
    home = plan.internal.name
    if home not in now:
        return
    then = {host: domains(after.get(host, records)) for host, records in now.items()}
    for proxy in (each.name for each in plan.proxies if each.name in now):
        if ahead := sorted(then[proxy] - then[home] - (domains(now[proxy]) - domains(now[home]))):
            raise DeployError(
                f"{proxy} would take mail for {', '.join(ahead)}, which {home} does not have then",
                f"bring both there: {commands.deploy(home, proxy)}",
            )


def domains(records: Iterable[str]) -> frozenset[str]:
    """Those that get mail."""
    rows = (line.split(" ", 2) for line in records)
    return frozenset(row[0].rstrip(".") for row in rows if row[1:2] == ["MX"])
