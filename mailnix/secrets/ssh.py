"""The SSH call that hands credentials over, and what its failures mean for whoever typed the command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.errors import CommandFailed, SecretsError
from mailnix.services.credentials.names import RECEIVE, SCRIPTS

CONNECT_TIMEOUT: Final = 20  # seconds

SSH_FAILED: Final = 255
NO_SUCH_PROGRAM: Final = 127


@frozen
class Way:
    """To a machine: `target` as ssh takes it, the jump host before it, an ssh_config(5) in the place of the user's."""

    target: str
    jump: str | None = None
    config: Path | None = None

    def __str__(self) -> str:
        return f"{self.target} by way of {self.jump}" if self.jump else self.target

    @property
    def ssh(self) -> tuple[str, ...]:
        """The beginning of each call."""
        return ("ssh",) if self.config is None else ("ssh", "-F", str(self.config))

    @property
    def by_hand(self) -> str:
        """What a person types to see what is wrong."""
        return shlex.join((*self.ssh, *(("-J", self.jump) if self.jump else ()), self.target, "true"))


def push_argv(way: Way) -> tuple[str, ...]:
    """The ssh call that runs the receiver on the machine; a target that looks like an option is refused."""
    if way.target.startswith("-") or not way.target.strip():
        raise SecretsError(f"{way.target!r} is no SSH target", "write root@ADDRESS")
    quiet = ("-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT}")
    words = (*way.ssh, "-T", *quiet)
    if way.jump is not None:
        # As -J does, but for the jump host, too, nothing is asked (ssh(1) hands no options on to it).
        jump = (*way.ssh, "-T", *quiet, "-W", "[%h]:%p", "--", way.jump)
        words = (*words, "-o", f"ProxyCommand={shlex.join(jump)}")
    return (*words, "--", way.target, f"PATH={SCRIPTS}:$PATH {RECEIVE}")


def explain(error: CommandFailed, host: str, way: Way) -> SecretsError:
    """One line about why a machine did not take its credentials, and the next step; by what ssh (ssh(1)) said."""
    if error.status is None:
        return SecretsError(f"{way} did not finish in time", f"is {host} still booting? try: {way.by_hand}")
    if error.status == NO_SUCH_PROGRAM:
        return SecretsError(f"{way} runs no image of mailnix: it has no {RECEIVE}", "see: mailnix build --help")
    if error.status != SSH_FAILED:
        # The receiver's own words, which name the credential and the machine.
        said = _last(error.last_lines).removeprefix("mailnix: ") or f"status {error.status}"
        return SecretsError(f"{way} did not take the credentials of {host}: {said}", f"is it {host}?")
    for pattern, meaning in _MEANINGS:
        if found := re.search(pattern, error.last_lines):
            return meaning(host, way, found)
    return SecretsError(f"ssh to {way} failed: {_last(error.last_lines)}", f"try: {way.by_hand}")


def _changed(_host: str, way: Way, found: re.Match[str]) -> SecretsError:
    name = found[1] or way.target.removeprefix("ssh://").rpartition("@")[2]
    return SecretsError(
        f"{way} shows another host key than the one you know, so nothing was sent",
        f"if it was installed anew: ssh-keygen -R {name}, compare the new key with its console, then: {way.by_hand}",
    )


def _unknown(_host: str, way: Way, _found: re.Match[str]) -> SecretsError:
    return SecretsError(
        f"the host key of {way} is not known yet, so nothing was sent",
        f"log in once and compare it with what the machine's console shows: {way.by_hand}",
    )


def _denied(host: str, way: Way, _found: re.Match[str]) -> SecretsError:
    return SecretsError(
        f"{way} takes none of your SSH keys",
        f"{host} lets in the topology's admin_keys; one with a passphrase must be in your agent (ssh-add). "
        f"Try: {way.by_hand}",
    )


def _too_many(_host: str, way: Way, _found: re.Match[str]) -> SecretsError:
    return SecretsError(
        f"{way} was offered too many of your SSH keys before the right one",
        f"name the right one for it in ~/.ssh/config: IdentityFile, and IdentitiesOnly yes. Try: {way.by_hand}",
    )


def _no_tunnel(host: str, way: Way, found: re.Match[str]) -> SecretsError:
    return SecretsError(
        f"{way} is not reached from there: {found[1].strip().rstrip('.').lower()}",
        f"is {host} on, and its tunnel up? Without its first credentials it has none: give it a seed disk, or, "
        f"from its home network, --to root@ADDRESS. Try: {way.by_hand}",
    )


def _unreached(host: str, way: Way, found: re.Match[str]) -> SecretsError:
    reason = found[1].strip().rstrip(".").lower()
    hint = f"is {host} on, and its SSH open to you (mailnix plan: Logins)? Try: {way.by_hand}"
    return SecretsError(f"{way} is not reached: {reason}", hint)


def _unnamed(_host: str, way: Way, found: re.Match[str]) -> SecretsError:
    port = re.search(r":\d+$", found[1]) and way.target.endswith(found[1])
    hint = f"a port is written so: --to ssh://{way.target}" if port else "try --to root@ADDRESS"
    return SecretsError(f"{way} is not reached: there is no machine of the name {found[1]}", hint)


_Meaning = Callable[[str, Way, "re.Match[str]"], SecretsError]
_MEANINGS: Final[tuple[tuple[str, _Meaning], ...]] = (
    (r"(?s)REMOTE HOST IDENTIFICATION HAS CHANGED(?:.*?Host key for (\S+) has changed)?", _changed),
    (r"Host key verification failed", _unknown),
    (r"Too many authentication failures", _too_many),
    (r"Permission denied", _denied),
    (r"Could not resolve hostname (\S+?):? ", _unnamed),
    (r"open failed: (?:connect failed: )?(.*)", _no_tunnel),
    (r"connect to (?:host|address) .*: (.*)", _unreached),
    (r"(Connection (?:timed out|closed|reset) .*)", _unreached),
)


def _last(lines: str) -> str:
    said = [line.strip() for line in lines.splitlines() if line.strip()]
    return said[-1] if said else ""
