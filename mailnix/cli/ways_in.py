"""What `mailnix init` must know about logging in: whose keys, and how the machine at home is reached."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mailnix.cli import keys, output, own_keys
from mailnix.cli.answers import Change, Refused, lan, reach
from mailnix.cli.asking import Asking
from mailnix.errors import MailnixError
from mailnix.starter import Reach

NOBODY: Final = "sealed"


def ask(asking: Asking, given: Sequence[str], *, sealed: bool) -> None:
    """Ask for what `given` keys and `sealed` leave open."""
    if sealed and given:
        raise MailnixError("--sealed says that nobody shall log in, and --admin-key says who", "leave one of them out")
    if sealed:
        asking.take({"sealed": True})
    else:
        _keys(asking, given)
    if not asking.answers.sealed:
        question = "You log in to the machine at home from its network (home), through the proxy (proxy), or both"
        asking.ask("--reach", question, reach, Reach.HOME)
    asking.ask("--lan", "The home network, such as 192.168.1.0/24, empty for any", lan, "")


def _keys(asking: Asking, given: Sequence[str]) -> None:
    """The keys that are given, or those that are found or typed; several at a terminal, one after the other."""
    for number, text in enumerate(given):
        option = f"--admin-key {number + 1}"
        asking.given = {**asking.given, option: text}
        asking.ask(option, "An SSH public key (the line, or its file)", _adding(asking))
    if given:
        return
    own = [str(path) for path in own_keys.own()]
    output.status(own_keys.found(own, NOBODY) if sys.stdin.isatty() else own_keys.chosen(own))
    first = own[0] if own else None if sys.stdin.isatty() else ""  # without any, the check says what is missing
    asking.ask("--admin-key", "Your SSH public key: its file, or the line in it", _adding(asking), first)
    while sys.stdin.isatty() and not asking.answers.sealed:
        before = asking.answers.admin_keys
        asking.ask("--admin-key", "Another key, empty for none", _adding(asking), "")
        if asking.answers.admin_keys == before:
            return


def _adding(asking: Asking) -> Change:
    """What an answer adds to the keys so far."""

    def change(text: str) -> Mapping[str, Any]:
        before = asking.answers.admin_keys
        if text == NOBODY and not before:
            return {"sealed": True}
        if text.lower() in ("none", "no", NOBODY):
            raise Refused(f'then nobody could log in: answer "{NOBODY}", alone, if that is meant')
        return {"admin_keys": (*before, *keys.read(text))} if text else {}

    return change
