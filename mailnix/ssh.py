"""How a machine is called over SSH, and what ssh's failures mean for whoever typed the command; runs nothing itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.errors import CommandFailed
from mailnix.plan.logins import UNKNOWN
from mailnix.plan.types import Plan

CONNECT_TIMEOUT: Final = 20  # seconds
SSH_FAILED: Final = 255  # its exit status (ssh(1)); others are the far program's
NO_SUCH_PROGRAM: Final = 127  # a shell's

QUIET: Final = ("-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT}")


@frozen
class Way:
    """To a machine: `target` as ssh takes it, the jump host before it, an ssh_config(5) in the place of the user's.

    `user` takes the place of whoever the target or that file names.
    """

    target: str
    jump: str | None = None
    config: Path | None = None
    user: str | None = None

    def __str__(self) -> str:
        seen = f"{self.user} at {self.target}" if self.user else self.target
        return f"{seen} by way of {self.jump}" if self.jump else seen

    @property
    def ssh(self) -> tuple[str, ...]:
        """The beginning of each call."""
        return ("ssh",) if self.config is None else ("ssh", "-F", str(self.config))

    @property
    def is_target(self) -> bool:
        """Whether ssh takes the target for one: nothing, or what looks like an option, is none."""
        return bool(self.target.strip()) and not self.target.startswith("-")

    @property
    def by_hand(self) -> str:
        """What a person types to see what is wrong."""
        return self.typed("true")

    def typed(self, *words: str) -> str:
        """What a person types to run a program there."""
        jump = ("-J", self.jump) if self.jump else ()
        return shlex.join((*self.ssh, *_user(self), *jump, self.target, *words))


def argv(way: Way, command: str, options: Sequence[str] = (), last: Sequence[str] = ()) -> tuple[str, ...]:
    """The call that runs `command` in the machine's shell and asks the person nothing.

    `options` are for each hop and `last` for the last alone; ssh takes the first value of each, so they win.
    """
    quiet = (*options, *QUIET)
    words = (*way.ssh, "-T", *last, *quiet, *_user(way))
    if way.jump is not None:
        # As -J does, but for the jump host, too, nothing is asked (ssh(1) hands no options on to it).
        jump = (*way.ssh, "-T", *quiet, "-W", "[%h]:%p", "--", way.jump)
        words = (*words, "-o", f"ProxyCommand={shlex.join(jump)}")
    return (*words, "--", way.target, command)


def _user(way: Way) -> tuple[str, ...]:
    return ("-l", way.user) if way.user else ()


def ways(plan: Plan, host: str, config: Path | None = None) -> tuple[Way, ...]:
    """The plan's own ways to a machine, those by a jump host first, for they work from anywhere.

    Empty where nobody logs in, or only the home router knows the address.
    """
    known = (login for login in plan.logins if login.host == host and not login.target.endswith(UNKNOWN))
    return tuple(Way(each.target, each.jump, config) for each in sorted(known, key=lambda login: login.jump is None))


@frozen
class Failure:
    """One line about why a machine was not reached, and the next step."""

    message: str
    hint: str


def failure(error: CommandFailed, host: str, way: Way, to: str = "--to ") -> Failure:
    """What ssh's own failure means, by what it said (ssh(1)); `to` is how a command's user says where a machine is."""
    if error.status is None:
        return Failure(f"{way} did not finish in time", f"is {host} still booting? try: {way.by_hand}")
    known = meant(error.last_lines, host, way, to)
    return known or Failure(f"ssh to {way} failed: {last_line(error.last_lines)}", f"try: {way.by_hand}")


def of_ssh(said: str) -> bool:
    """Whether a program that calls ssh hands on words of ssh's own."""
    return bool(re.search(r"^ssh: |Permission denied \(|Host key verification failed|kex_exchange", said, re.M))


def meant(said: str, host: str, way: Way, to: str) -> Failure | None:
    """What ssh's words mean; None where they are none that we know."""
    for pattern, meaning in _MEANINGS:
        if found := re.search(pattern, said):
            return meaning(_Call(host, way, to), found)
    return None


def sent_elsewhere(said: str, way: Way, to: str) -> Failure:
    """Something else was run than what was asked for: images of providers send root's visitors away so (command=)."""
    spoken = [line.strip() for line in said.splitlines() if line.strip()]
    user = re.search(r"as the user \W*([a-z_][\w-]*)", said)
    address = "ADDRESS" if way.jump else way.target.removeprefix("ssh://").rpartition("@")[2]
    return Failure(
        f"{way}: your key runs another command there: {spoken[0] if spoken else 'it says nothing'}",
        f"log in as the user who may use sudo: {to}{user[1] if user else 'USER'}@{address}",
    )


def last_line(lines: str) -> str:
    """The last thing that was said."""
    said = [line.strip() for line in lines.splitlines() if line.strip()]
    return said[-1] if said else ""


@frozen
class _Call:
    host: str
    way: Way
    to: str


def _changed(call: _Call, found: re.Match[str]) -> Failure:
    way = call.way
    name = found[1] or way.target.removeprefix("ssh://").rpartition("@")[2]
    return Failure(
        f"{way} shows another host key than the one you know, so nothing was sent",
        f"if it was installed anew: ssh-keygen -R {name}, compare the new key with its console, then: {way.by_hand}",
    )


def _unknown(call: _Call, _found: re.Match[str]) -> Failure:
    return Failure(
        f"the host key of {call.way} is not known yet, so nothing was sent",
        f"log in once and compare it with what the machine's console shows: {call.way.by_hand}",
    )


def _denied(call: _Call, _found: re.Match[str]) -> Failure:
    return Failure(
        f"{call.way} takes none of your SSH keys",
        f"{call.host} lets in the topology's admin_keys; one with a passphrase must be in your agent (ssh-add). "
        f"Try: {call.way.by_hand}",
    )


def _too_many(call: _Call, _found: re.Match[str]) -> Failure:
    return Failure(
        f"{call.way} was offered too many of your SSH keys before the right one",
        f"name the right one for it in ~/.ssh/config: IdentityFile, and IdentitiesOnly yes. Try: {call.way.by_hand}",
    )


def _no_tunnel(call: _Call, found: re.Match[str]) -> Failure:
    return Failure(
        f"{call.way} is not reached from there: {found[1].strip().rstrip('.').lower()}",
        f"is {call.host} on, and its tunnel up? Without its first credentials it has none: give it a seed disk, or, "
        f"from its home network, {call.to}root@ADDRESS. Try: {call.way.by_hand}",
    )


def _unreached(call: _Call, found: re.Match[str]) -> Failure:
    reason = found[1].strip().rstrip(".").lower()
    hint = f"is {call.host} on, and its SSH open to you (mailnix plan CONFIG: Logins)? Try: {call.way.by_hand}"
    return Failure(f"{call.way} is not reached: {reason}", hint)


def _silent(call: _Call, _found: re.Match[str]) -> Failure:
    return Failure(
        f"{call.way} let you in, and then said no more", f"is it busy, or just restarting? Try: {call.way.by_hand}"
    )


def _unnamed(call: _Call, found: re.Match[str]) -> Failure:
    port = re.search(r":\d+$", found[1]) and call.way.target.endswith(found[1])
    hint = f"a port is written so: {call.to}ssh://{call.way.target}" if port else f"try {call.to}root@ADDRESS"
    return Failure(f"{call.way} is not reached: there is no machine of the name {found[1]}", hint)


_Meaning = Callable[[_Call, "re.Match[str]"], Failure]
_MEANINGS: Final[tuple[tuple[str, _Meaning], ...]] = (
    (r"(?s)REMOTE HOST IDENTIFICATION HAS CHANGED(?:.*?Host key for (\S+) has changed)?", _changed),
    (r"Host key verification failed", _unknown),
    (r"Too many authentication failures", _too_many),
    (r"Permission denied", _denied),
    (r"Could not resolve hostname (\S+?):? ", _unnamed),
    (r"open failed: (?:connect failed: )?(.*)", _no_tunnel),
    (r"connect to (?:host|address) .*: (.*)", _unreached),
    (r"Timeout, server .* not responding|Failed to connect to new control master", _silent),
    (r"(Connection (?:timed out|closed|reset) .*)", _unreached),
)
