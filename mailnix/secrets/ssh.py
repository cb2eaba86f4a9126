"""The SSH call that hands credentials over, and what its failures mean for whoever typed the command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mailnix.errors import CommandFailed, SecretsError
from mailnix.services.credentials.names import RECEIVE, SCRIPTS

CONNECT_TIMEOUT: Final = 20  # seconds

SSH_FAILED: Final = 255
NO_SUCH_PROGRAM: Final = 127


def push_argv(target: str, config: Path | None = None) -> tuple[str, ...]:
    """The ssh call that runs the receiver on the machine; a target that looks like an option is refused."""
    if target.startswith("-") or not target.strip():
        raise SecretsError(f"{target!r} is no SSH target", "write root@ADDRESS")
    return (
        *_ssh(config),
        "-T",
        "-o",
        "BatchMode=yes",
        "-o",
        f"ConnectTimeout={CONNECT_TIMEOUT}",
        "--",
        target,
        f"PATH={SCRIPTS}:$PATH {RECEIVE}",
    )


def _ssh(config: Path | None) -> tuple[str, ...]:
    return ("ssh",) if config is None else ("ssh", "-F", str(config))


def explain(error: CommandFailed, host: str, target: str, config: Path | None = None) -> SecretsError:
    """One line about why a machine did not take its credentials, and the next step; by what ssh (ssh(1)) said."""
    by_hand = shlex.join((*_ssh(config), target, "true"))
    if error.status is None:
        return SecretsError(f"{target} did not finish in time", f"is {host} still booting? try: {by_hand}")
    if error.status == NO_SUCH_PROGRAM:
        return SecretsError(f"{target} runs no image of mailnix: it has no {RECEIVE}", "see: mailnix build --help")
    if error.status != SSH_FAILED:
        # The receiver's own words, which name the credential and the machine.
        said = _last(error.last_lines).removeprefix("mailnix: ") or f"status {error.status}"
        return SecretsError(f"{target} did not take the credentials of {host}: {said}", f"is it {host}?")
    for pattern, meaning in _MEANINGS:
        if found := re.search(pattern, error.last_lines):
            return meaning(host, target, by_hand, found)
    return SecretsError(f"ssh to {target} failed: {_last(error.last_lines)}", f"try: {by_hand}")


def _changed(_host: str, target: str, by_hand: str, _found: re.Match[str]) -> SecretsError:
    name = target.removeprefix("ssh://").rpartition("@")[2]
    return SecretsError(
        f"{target} shows another host key than the one you know, so nothing was sent",
        f"if it was installed anew: ssh-keygen -R {name}, compare the new key with its console, then: {by_hand}",
    )


def _unknown(_host: str, target: str, by_hand: str, _found: re.Match[str]) -> SecretsError:
    return SecretsError(
        f"the host key of {target} is not known yet, so nothing was sent",
        f"log in once and compare it with what the machine's console shows: {by_hand}",
    )


def _denied(host: str, target: str, by_hand: str, _found: re.Match[str]) -> SecretsError:
    return SecretsError(
        f"{target} takes none of your SSH keys",
        f"{host} lets in the topology's admin_keys; one with a passphrase must be in your agent (ssh-add). "
        f"Try: {by_hand}",
    )


def _unreached(host: str, target: str, by_hand: str, found: re.Match[str]) -> SecretsError:
    reason = found[1].strip().rstrip(".").lower()
    return SecretsError(
        f"{target} is not reached: {reason}", f"is {host} on, and its SSH open to you (admin_cidrs)? Try: {by_hand}"
    )


def _unnamed(_host: str, target: str, _by_hand: str, found: re.Match[str]) -> SecretsError:
    return SecretsError(f"{target} is not reached: there is no machine of the name {found[1]}", "try --to root@ADDRESS")


_Meaning = Callable[[str, str, str, "re.Match[str]"], SecretsError]
_MEANINGS: Final[tuple[tuple[str, _Meaning], ...]] = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED", _changed),
    (r"Host key verification failed", _unknown),
    (r"Permission denied|Too many authentication failures", _denied),
    (r"Could not resolve hostname ([^ :]+)", _unnamed),
    (r"connect to (?:host|address) .*: (.*)", _unreached),
    (r"(Connection (?:timed out|closed|reset) .*)", _unreached),
)


def _last(lines: str) -> str:
    said = [line.strip() for line in lines.splitlines() if line.strip()]
    return said[-1] if said else ""
