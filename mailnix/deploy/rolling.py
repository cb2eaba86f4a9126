"""`mailnix rollback`: a machine goes to a generation that it has kept, and with it whatever a tunnel ties to it."""

from __future__ import annotations

from attrs import evolve

from mailnix.deploy import releases
from mailnix.deploy.asking import Asked, ask
from mailnix.deploy.deploying import Deploying, Failed
from mailnix.deploy.moves import Move
from mailnix.deploy.publishing import keys_left, records_changed, refuse_ahead
from mailnix.deploy.switching import TakenBack, bring
from mailnix.deploy.values import MAILCOW, End, Made, Outcome, Report, Status, older, versions
from mailnix.errors import DeployError


def rollback(deploying: Deploying, host: str, number: int | None, *, databases: bool = False) -> Report:
    """Take back what waits for its confirmation; else go to generation `number`, or to the one before.

    With `databases`, an older Mailcow comes back with the database that it had, and what came since is lost; without a
    number that is the newest generation with another Mailcow than runs.
    Raises DeployError before anything changed, Failed after.
    """
    asking = evolve(deploying.asking, named={host}, by_name={host}, only_ours=True)
    asked = ask(asking)
    status = asked.status[host]
    if status.pending is not None and number is None:
        return Report((_taken_back(asked, host, status),))
    if databases and number is None:
        number = _with_another_mailcow(status)
    target = _target(status, host, number)
    moves = [_move(asked, host, target), *_tied(deploying, asked, host, target)]
    for move in moves:
        for warning in move.changes.warnings:
            asking.say(f"{move.host}: note: {warning}")
    moves = [_with_database(deploying, asked, move, databases=databases) for move in moves]
    after = {move.host: made.records for move in moves if (made := asked.status[move.host].made(move.number))}
    refuse_ahead(deploying.plan, asked.status, after, asking.commands)
    for line in keys_left(deploying.plan, asked.status, after):
        asking.say(line)
    if databases and not any(move.databases for move in moves):
        raise DeployError(
            f"generation {target.generation} of {host} comes with no other database, so --databases says nothing",
            "leave it out; or name the generation whose Mailcow and database shall come back",
        )
    records = Report((), *records_changed(deploying.plan, [status]))
    if asking.dry_run:
        return evolve(records, machines=tuple(move.ended(End.PLANNED) for move in moves))
    try:
        done = bring(deploying.scene(asked), moves, asked.running, asking.commands)
    except TakenBack as error:
        raise Failed(error, Report(error.outcomes)) from None
    return Report(done)


def _taken_back(asked: Asked, host: str, status: Status) -> Outcome:
    assert status.pending is not None, "something waits"
    now = asked.machines[host].back(None)
    return Outcome(host, End.BACK, status.pending.to, now, "it waited for its confirmation")


def _with_another_mailcow(status: Status) -> int | None:
    now = status.running.mailcow if status.running else ""
    others = [each.generation for each in status.to_go_back_to if now and each.mailcow not in ("", now)]
    return others[-1] if others else None


def _target(status: Status, host: str, number: int | None) -> Made:
    wanted = status.previous if number is None else number
    kept = ", ".join(str(each.generation) for each in status.to_go_back_to) or "none"
    found = next((each for each in status.to_go_back_to if each.generation == wanted), None)
    if wanted is None or found is None:
        what = f"generation {wanted}" if wanted else "no generation before"
        raise DeployError(
            f"{host} has {what}, and keeps {kept}" if not wanted else f"{host} keeps no {what}, but {kept}"
        )
    if found.generation == status.current:
        raise DeployError(f"{host} runs generation {found.generation} already", f"it keeps {kept}")
    return found


def _move(asked: Asked, host: str, target: Made) -> Move:
    status, machine = asked.status[host], asked.machines[host]
    changes = machine.plan(target.generation)
    return Move(
        machine=machine,
        number=target.generation,
        before=status.current,
        why="rollback",
        changes=changes,
        versions=versions(status.running, {"mailnix": target.mailnix, **target.parts}),
        mailcow=releases.another(status.running, target.mailcow),
        again=releases.again(status.running, target.mailcow, changes, ()),
    )


def _with_database(deploying: Deploying, asked: Asked, move: Move, *, databases: bool) -> Move:
    """The same move; one to an older Mailcow only as somebody wants it, and with a database that it can read."""
    mailcow = next((each for each in move.versions if each.what == MAILCOW), None)
    if mailcow is None:
        return move
    order = None if move.mailcow and not mailcow.changes else older(mailcow.new, mailcow.old)  # other images: may be
    if order is False:
        return move
    host, goal = move.host, f"generation {move.number} of {move.host} has Mailcow {mailcow.new}"
    if not move.mailcow:  # NixOS, or a generation of before such were told apart
        if order:
            deploying.asking.say(f"{goal}, and meets the database of {mailcow.old}: a backup of then may be needed")
        return move
    ((kept, said),) = asked.machines[host].look([("database", move.mailcow, 0)])
    if not kept and order is None:  # a tree of one's own, which has not run here: it comes as a newer one does
        return move
    if not kept:
        hint = f"stay with this one; another generation may have Mailcow {mailcow.old}"
        raise DeployError(f"{goal}, and no database that it could read: {said}", hint)
    lost = f"{goal}, which gets its database of {said} back: what was changed in Mailcow since is lost, mail is not"
    if not databases and not deploying.asking.dry_run:
        again = deploying.asking.commands.rollback(host, move.number, databases=True)
        raise DeployError(lost, f"where that is wanted: {again}")
    deploying.asking.say(lost)
    return evolve(move, databases=True)


def _tied(deploying: Deploying, asked: Asked, host: str, target: Made) -> list[Move]:
    """The machines at the other end of tunnels that were others then: each with a generation that fits."""
    moves = []
    for link in deploying.plan.tunnels:
        ends = {link.internal.host, link.proxy.host}
        then = target.links.get(link.proxy.host)
        for other in ends - {host} if host in ends and then is not None else ():
            status = asked.status.get(other)
            now = status.running.links.get(link.proxy.host) if status and status.running else None
            if status is not None and now is not None and now != then:
                moves.append(_move(asked, other, _fitting(status, other, link.proxy.host, target)))
    return moves


def _fitting(status: Status, other: str, proxy: str, target: Made) -> Made:
    """The newest generation of the other end with the same tunnel; raises DeployError."""
    for each in reversed(status.to_go_back_to):
        if each.links.get(proxy) == target.links[proxy]:
            return each
    raise DeployError(
        f"generation {target.generation} of {target.host} has another tunnel to {proxy} than there is now, "
        f"and {other} keeps no generation with that one",
        "change the description instead, and deploy both",
    )
