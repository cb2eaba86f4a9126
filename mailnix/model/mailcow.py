"""Mailcow's own settings, as far as a description may make them: variables of mailcow.conf, lines for other files.

Which variables and files there are, and which of them are ours, stands in mailcow.toml beside this file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen


@frozen
class Setting:
    """A variable of mailcow.conf and its value; True and False are y and n."""

    name: str
    value: str | int | bool


@frozen
class ExtraLines:
    """Lines for one of the files in which Mailcow's programs take more, by its path below data/conf."""

    file: str
    lines: str


def is_on(settings: Any, name: str) -> bool:
    """Whether a variable is set to yes; what is no setting is the check's to report."""
    given = settings if isinstance(settings, tuple) else ()
    return any(isinstance(each, Setting) and each.name == name and each.value in (True, "y") for each in given)


def settings(value: Mapping[str, str | int | bool] | Iterable[Setting]) -> tuple[Setting, ...]:
    """A table of names and values, as it is written, as values of ours."""
    if isinstance(value, Mapping):
        return tuple(Setting(name, item) for name, item in value.items())
    return _items(value)


def extra_lines(value: Mapping[str, str | Iterable[str]] | Iterable[ExtraLines]) -> tuple[ExtraLines, ...]:
    """A table of files and lines, one text or a list of them, likewise."""
    if isinstance(value, Mapping):
        return tuple(ExtraLines(file, _joined(lines)) for file, lines in value.items())
    return _items(value)


def _items(value: Any) -> tuple[Any, ...]:
    """A tuple of what was given; what is no list at all counts as one item, for the check."""
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else (value,)


def _joined(lines: Any) -> Any:
    if isinstance(lines, list | tuple) and all(isinstance(line, str) for line in lines):
        return "".join(f"{line}\n" for line in lines)
    return f"{lines}\n" if isinstance(lines, str) and not lines.endswith("\n") else lines


_FILE: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("mailcow.toml").read_text("utf-8"))

FLAGS: Final[frozenset[str]] = frozenset(_FILE["free"]["flags"])
NUMBERS: Final[frozenset[str]] = frozenset(_FILE["free"]["numbers"])
TEXTS: Final[frozenset[str]] = frozenset(_FILE["free"]["texts"])
FREE: Final = FLAGS | NUMBERS | TEXTS
"""Variables that a description may set."""
USUAL: Final[Mapping[str, str]] = dict(line.split("=", 1) for line in _FILE["free"]["usual"])
"""What Mailcow itself sets at first, of these."""
TELLTALE: Final[frozenset[str]] = frozenset(_FILE["free"]["telltale"])
"""Those whose value is mostly a secret."""
OWNED: Final[Mapping[str, str]] = {name: owner for owner, names in _FILE["owned"].items() for name in names}
"""Variables that are ours, and what says them instead."""
SKIP_SOGO: Final = "SKIP_SOGO"
"""Leaves SOGo out: the web mail, calendars and contacts, ActiveSync."""
EXTRA_CF: Final = "postfix/extra.cf"
EXTRA_CONF: Final = "dovecot/extra.conf"
RSPAMD_LOCAL: Final = "rspamd/rspamd.conf.local"
PLACES: Final[tuple[str, ...]] = tuple(_FILE["places"]["patterns"])
"""Files that take extra lines, by patterns of their names."""
THEIRS: Final[frozenset[str]] = frozenset(_FILE["places"]["theirs"])
"""Those that have lines of Mailcow's."""
POSTFIX: Final[Mapping[str, str]] = {name: why for why, names in _FILE["postfix"].items() for name in names}
"""Parameters of Postfix that are ours, and why."""
