"""What the world is told of a change: records of the zone; and that no proxy takes mail that home knows nothing of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mailnix.deploy.commands import Commands
from mailnix.deploy.values import Status
from mailnix.errors import DeployError
from mailnix.plan import Plan
from mailnix.plan.dns import tlsa_name


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


def keys_left(plan: Plan, status: Mapping[str, Status], after: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """A line for each proxy that would show no key that its generation of now has records of.

    Who checks them (RFC 7672) then sends nothing. Whether they are published, nobody asks here. `after` is as above.
    """
    for proxy in (each.name for each in plan.proxies if each.name in after):
        running = status[proxy].running if proxy in status else None
        then = _keys(after[proxy])
        for name, keys in _keys(running.records if running else ()).items():
            if keys.isdisjoint(then.get(name, ())):
                yield (
                    f"{proxy}: note: no key that DNS may have for {name} is shown any more:"
                    " take its TLSA records out a day before, or mail from who checks them stops"
                )


def _keys(records: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """What TLSA records have, by the server's name."""
    found: dict[str, frozenset[str]] = {}
    for owner, kind, data in (line.split(" ", 2) for line in records):
        if kind == "TLSA":
            name = owner.removeprefix(tlsa_name("")).rstrip(".")
            found[name] = found.get(name, frozenset()) | {data}
    return found


def domains(records: Iterable[str]) -> frozenset[str]:
    """Those that get mail."""
    rows = (line.split(" ", 2) for line in records)
    return frozenset(row[0].rstrip(".") for row in rows if row[1:2] == ["MX"])
