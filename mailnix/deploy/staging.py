"""Have each machine take what it is to run, before any is switched; what nobody switches to after all goes again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from mailnix.deploy import links, releases
from mailnix.deploy.asking import Asked, Asking
from mailnix.deploy.machine import Machine, Unreached
from mailnix.deploy.making import archive, made
from mailnix.deploy.moves import Move
from mailnix.deploy.publishing import records
from mailnix.deploy.values import Difference, Made, Received, versions
from mailnix.errors import MailnixError
from mailnix.secrets import Secret

Credentials = Callable[[str], Mapping[str, Secret]]
"""A machine's, by name."""


@contextmanager
def forgotten(staged: Mapping[str, Move]) -> Iterator[None]:
    """However it ends, machines that are in `staged` then, and so are not switched, keep nothing of what came."""
    try:
        yield
    finally:
        forget(staged.values())


def forget(moves: Iterable[Move]) -> None:
    """What came to these machines goes: it is nothing to go back to."""
    for move in moves:
        _forget(move.machine, move.number)


def _forget(machine: Machine, number: int) -> None:
    with suppress(MailnixError):  # the machine does it when the next one comes
        machine.forget(number)


def stage(
    asking: Asking,
    credentials: Credentials,
    asked: Asked,
    differing: Mapping[str, Difference],
    todo: Iterable[str],
) -> dict[str, Move]:
    """Machines that have what they are to run; one that does not take it is an end for all.

    They get it beside each other: most of the time is their own, whose apt asks Debian's archive.
    """
    staged: dict[str, Move] = {}
    hosts = [host for host in todo if host in asked.status]

    def one(host: str) -> None:
        staged[host] = _received(asking, credentials(host), asked, host, differing[host])

    try:
        with ThreadPoolExecutor(max(1, len(hosts))) as pool:
            for done in [pool.submit(one, host) for host in hosts]:
                done.result()
    except BaseException:
        forget(staged.values())
        raise
    return {host: staged[host] for host in hosts}


def _received(asking: Asking, credentials: Mapping[str, Secret], asked: Asked, host: str, differs: Difference) -> Move:
    """Have a generation made, sent and looked at; nothing of it counts there yet."""
    status, machine = asked.status[host], asked.machines[host]
    releases.refuse_older(host, status.running, asking.maker.parts(host), asking.commands)
    number = status.newest + 1
    asking.say(f"{host}: making generation {number} ({differs.why})")
    debs = asking.maker.debs(host, number, asking.folder)
    releases.refuse_forgotten(asking, host, status.running, debs)
    parts, mailcow = asking.maker.parts(host), asking.maker.mailcow(host)
    said = {"links": links.facts(asking.plan, host), "records": records(asking.plan)}
    about = made(host, number, differs.digest, debs, {**said, "parts": parts, "mailcow": mailcow})
    lacking = () if asking.dry_run else differs.credentials  # no secret goes where it may stay unused
    secrets = {name: secret for name, secret in credentials.items() if name in lacking}
    packed = archive(about, debs, secrets, {digest for each in status.generations for digest in each.debs.values()})
    asking.say(f"{host}: sending {len(packed.reveal()) / 2**20:.1f} MiB, and having it checked")
    received = _sent(machine, number, packed, about)
    try:
        changes = machine.plan(number) if asking.dry_run or (mailcow and status.running) else received.changes
        another = releases.another(releases.known(machine, status.running, mailcow), mailcow)
    except BaseException:
        _forget(machine, number)
        raise
    for warning in received.changes.warnings:
        asking.say(f"{host}: note: {warning}")
    return Move(
        machine=machine,
        number=number,
        before=status.current,
        why=differs.why,
        changes=changes,
        credentials=differs.credentials,
        versions=versions(status.running, parts),
        mailcow=another,
        again=releases.again(status.running, mailcow, changes, differs.credentials),
    )


def _sent(machine: Machine, number: int, packed: Secret, about: Mapping[str, Any]) -> Received:
    """Have it taken; where the answer is lost, what the machine has all the same is let go, if it is ours."""
    try:
        return machine.receive(number, packed)
    except Unreached:
        with suppress(MailnixError):
            if machine.status().made(number) == Made.read(about):
                machine.forget(number)
        raise
