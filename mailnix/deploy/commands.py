"""Commands that people are told to type next: with the options that they typed, without which each is another one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

UNSAID: Final = re.compile(r"\bmailnix ((?:secrets )?\w+) CONFIG\b( [a-z][a-z0-9-]*\b)?")
"""A command, and its machine, in words that come from where nobody knows what was typed (mailnix.secrets, .doctor)."""


def option(name: str, *values: object) -> tuple[str, ...]:
    """An option as it is typed, once for each value; nothing where it was not."""
    return tuple(word for value in values if value is not None for word in (name, str(value)))


@frozen
class Commands:
    """`file` is the description; `reach`, `secrets`, `within`: options of deploy and rollback, `deploys`: of the first.

    `local` is the folder of an owner's own modules of NixOS, `source` a tree of Mailcow, `ssh_config` a file in the
    place of the user's, where somebody named them. `asks`: options of doctor that say whom it asks and trusts.
    """

    file: str
    reach: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    deploys: tuple[str, ...] = ()
    local: Path | None = None
    source: tuple[str, ...] = ()
    ssh_config: Path | None = None
    asks: tuple[str, ...] = ()

    def deploy(self, *hosts: str) -> str:
        """`mailnix deploy` of these machines, or of all."""
        return self._typed("deploy", self.file, *self._both, *self.source, *self.deploys, *hosts)

    def rollback(self, host: str, number: int | str = "", *, databases: bool = False) -> str:
        """`mailnix rollback`; always a real one: what is told to be taken back is."""
        more = (*([str(number)] if number else []), *(["--databases"] if databases else []))
        return self._typed("rollback", self.file, *self._both, host, *more)

    def dns(self) -> str:
        """`mailnix dns`, whose DKIM records are of these secrets."""
        return self._typed("dns", self.file, *self.secrets)

    def build(self) -> str:
        """`mailnix build`, into a folder of images."""
        local = () if self.local is None else ("--local", str(self.local))
        backend = ("--backend", "nixos") if local else ()
        return self._typed("build", self.file, *backend, *local, *self.source, *self.secrets, "--out", "images")

    def emit_nixos(self, folder: str) -> str:
        """`mailnix emit` of the flake, with the owner's own modules beside it."""
        emit = self._typed("emit", self.file, "--backend", "nixos", *self.secrets, "--out", folder)
        if self.local is None:
            return emit
        return f"{emit} && mkdir -p {folder}/local && cp -r {shlex.quote(str(self.local))}/. {folder}/local/"

    def secrets_of(self, verb: str) -> str:
        """`mailnix secrets` with this verb."""
        return self._typed("secrets", verb, self.file, *self.secrets)

    def filled(self, said: str) -> str:
        """The same words, with what was typed in the place of CONFIG."""

        def typed(found: re.Match[str]) -> str:
            verb, host = found[1], found[2] or ""
            return self._typed(*verb.split(), self.file, *self._repeated(verb, host.strip())) + host

        return UNSAID.sub(typed, said)

    def _repeated(self, verb: str, host: str) -> Sequence[str]:
        """The options that a verb takes of those that were typed."""
        match verb:
            case "deploy":
                return (*self._both, *self.source, *self.deploys)
            case "rollback":
                return self._both
            case "doctor":
                return (*self.reach, *self.secrets, *self.asks)
            case "secrets push":
                return (*self._to(host), *option("--ssh-config", self.ssh_config), *self.secrets)
            case _:
                return self.secrets

    def _to(self, host: str) -> Sequence[str]:
        """Where this machine was said to be; a verb that knows of no other names it without its name."""
        said = (word.partition("=") for word in self.reach)
        return option("--to", *(target for name, _, target in said if target and name == host))

    @property
    def _both(self) -> Sequence[str]:
        return (*self.reach, *self.secrets, *self.within)

    def _typed(self, *words: str) -> str:
        return shlex.join(("mailnix", *words))
