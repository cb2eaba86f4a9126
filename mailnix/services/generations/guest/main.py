"""generations VERB: keep what this machine was described as, by number, and change it so that nobody is locked out.

Prints JSON; ends with 0, or 1 where it refused or failed, 2 for wrong words, 4 where another change is on its way.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import IO, Any

from . import room, verbs
from .adopting import adopt
from .ahead import ahead
from .credentials import compare
from .keeper import Keeper
from .plan import plan
from .receiving import receive
from .upgrading import upgrade, upgrades
from .world import Machine, Names, Refused, World, say


def words() -> argparse.ArgumentParser:
    """All verbs and what they are told."""
    parser = argparse.ArgumentParser(prog="generations", description=__doc__)
    verb = parser.add_subparsers(dest="verb", required=True)
    verb.add_parser("status", help="what runs, what waits, what is here")
    verb.add_parser("boot", help="undo what was not confirmed (for a unit)")
    verb.add_parser("upgrades", help="list Debian's packages that are newer in its archive")
    verb.add_parser("upgrade", help="upgrade Debian's packages, which does not go back")
    verb.add_parser("keep", help="mind what is pending (for a unit)")
    verb.add_parser("idle", help="end with 4 where a change is pending (for dpkg)")
    verb.add_parser("adopt", help="make what an image laid the first generation; what the client knows is on stdin")
    verb.add_parser("compare", help="name credentials of a tar on stdin that this machine has not")
    back = verb.add_parser("back", help="take back what is pending")
    back.add_argument("--id")
    for name, text in {
        "receive": "take one from a tar on stdin",
        "plan": "show what it would change",
        "ahead": "have what its services need while the former ones run",
        "switch": "install it, to be confirmed",
        "extend": "give it more time",
        "confirm": "keep it",
        "forget": "let go of it, since nobody switches to it",
    }.items():
        each = verb.add_parser(name, help=text)
        each.add_argument("number", type=positive)
        if name in ("switch", "extend"):
            each.add_argument("--within", type=positive, required=True, metavar="SECONDS")
        if name in ("switch", "extend", "confirm"):
            each.add_argument("--id", required=True)
        if name == "switch":
            each.add_argument("--databases", action="store_true")
    return parser


def positive(text: str) -> int:
    """A number above 0."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def do(world: World, told: argparse.Namespace) -> dict[str, Any]:
    """What is asked for."""
    match told.verb:
        case "receive":
            return receive(world, told.number, sys.stdin.buffer)
        case "adopt":
            return adopt(world, sys.stdin.buffer)
        case "compare":
            return {"credentials": compare(world, sys.stdin.buffer)}
        case "upgrades":
            return upgrades(world)
        case "upgrade":
            return upgrade(world)
        case "plan":
            return plan(world, told.number)
        case "ahead":
            return ahead(world, told.number)
        case "switch":
            return verbs.switch(world, told.number, told.within, told.id, databases=told.databases)
        case "extend":
            return verbs.extend(world, told.number, told.within, told.id)
        case "confirm":
            return verbs.confirm(world, told.number, told.id)
        case "back":
            return verbs.back(world, told.id)
        case "forget":
            return verbs.forget(world, told.number)
        case "idle":
            return verbs.idle(world)
        case "boot":
            return verbs.boot(world)
        case "keep":
            Keeper(world).keep()
            return {}
    return verbs.status(world)


def answered(world: World, told: argparse.Namespace, answer: dict[str, Any], stream: IO[str]) -> None:
    """Tell whoever asked; what somebody sent who is gone by now is nobody's to switch to."""
    try:
        print(json.dumps(answer), file=stream, flush=True)
    except BrokenPipeError:
        if told.verb == "receive":
            verbs.forget(world, told.number)
        raise


def main(names: Names) -> int:
    """One verb."""
    told = words().parse_args()
    if os.geteuid() != 0:
        say("generations: only root can do that")
        return Refused.status
    try:
        world = Machine(names)
        if answer := do(world, told):
            answered(world, told, answer, sys.stdout)
    except Refused as error:
        say(f"generations: {error}")
        return error.status
    except OSError as error:  # a full disk, above all
        say(f"generations: {room.without(error)}")
        return Refused.status
    return 0
