"""Every error that mailnix raises on purpose.

    MailnixError            one clear sentence, and a hint: what to do next
    ├── ConfigError         the description is wrong; carries every problem found, each with its path
    ├── ToolMissing         a program that the work needs is not installed
    ├── ExtraMissing        so is an optional Python package
    ├── CommandFailed       a program ran and failed; carries argv, exit status and its last lines
    ├── AdoptError          an existing Mailcow cannot be read
    ├── BuildError          a tree or an image could not be made
    ├── SecretsError        credentials are missing, unreadable or not private
    ├── ZonesError          records cannot be written down as was asked
    ├── ResolveError        whom to ask for names is not known
    ├── DeployError         a machine was not brought to its description; what became of it is said
    └── LabError            a guest did not do what was waited for; carries its last console lines

They are caught once, in `mailnix.cli`; nothing below it exits or prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from attrs import frozen


class MailnixError(Exception):
    """One clear sentence about what is wrong, and a hint saying what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Severity(StrEnum):
    """Whether a problem stops the work or only deserves a second look."""

    ERROR = "error"
    WARNING = "warning"


@frozen
class Problem:
    """One mistake in a description: where (`domains[0].aliases[1].to`), what, and what to do."""

    path: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(MailnixError):
    """The description cannot be used; `problems` has every mistake found."""

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = len(self.problems)
        where = f" in {source}" if source else ""
        first = str(self.problems[0]) if count == 1 else f"{count} mistakes{where}"
        super().__init__(first, self.problems[0].hint if count == 1 else "")


class ToolMissing(MailnixError):
    """A program is not installed on this machine."""

    def __init__(self, tool: str, package: str) -> None:
        super().__init__(f"{tool} is not installed", f"install it, on Debian: apt-get install {package}")
        self.tool = tool
        self.package = package


class ExtraMissing(MailnixError):
    """Optional Python packages are not installed; `extra` is what pip calls them together."""

    def __init__(self, extra: str, what: str, packages: Sequence[str]) -> None:
        super().__init__(
            f"{what} needs the extra {extra!r}: {', '.join(packages)} not installed",
            f"install it: pip install 'mailnix[{extra}]'",
        )
        self.extra = extra
        self.packages = tuple(packages)


class CommandFailed(MailnixError):
    """A program ended with a status other than 0, or ran out of time (`status` is None)."""

    def __init__(self, argv: Sequence[str], status: int | None, last_lines: str, hint: str = "") -> None:
        how = "ran out of time" if status is None else f"failed with status {status}"
        tail = last_lines.strip().splitlines()
        why = f": {tail[-1].strip()}" if tail else ""
        super().__init__(f"{argv[0]} {how}{why}", hint)
        self.argv = tuple(argv)
        self.status = status
        self.last_lines = last_lines


class AdoptError(MailnixError):
    """An existing Mailcow cannot be read."""


class BuildError(MailnixError):
    """A tree or a disk image could not be made."""


class SecretsError(MailnixError):
    """Credentials are missing, unreadable, or open to others."""


class ZonesError(MailnixError):
    """Records cannot be written down as was asked; the hint names what can."""


class ResolveError(MailnixError):
    """Whom to ask for names is not known; that nobody answers is an answer, and no error."""


class DeployError(MailnixError):
    """A machine was not brought to its description; it runs what it ran before, unless the message says otherwise."""


class LabError(MailnixError):
    """A guest did not reach a condition in time; `console` has its last lines."""

    def __init__(self, message: str, hint: str = "", console: str = "") -> None:
        super().__init__(message, hint)
        self.console = console


def one_line(text: str, most: int | None = None) -> str:
    """What others have said, fit for a terminal: no line of theirs, no control code, no more than `most` letters."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if most is None or len(line) <= most else f"{line[:most]}…"
