"""Users, groups, and whether a password lets anybody in; of a password only that there is one is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.parity.facts import Question, Values
from tests.parity.kinds.words import lines

_COMMAND: Final = r"""
getent passwd | sed 's/^/user:/'
getent group | sed 's/^/group:/'
awk -F: '
$2 == "" { print "password:" $1 ":none needed" }
$2 ~ /^[!*]/ { print "password:" $1 ":none lets in" }
$2 ~ /^[^!*]/ { print "password:" $1 ":one lets in" }' /etc/shadow
"""
_USERS: Final = 1000
"""The first number of people (login.defs(5)); 65534 is nobody."""


def read(data: bytes) -> Values:
    """Users without their numbers, which systems give as they come; whether one is a system's is kept."""
    return dict(_read(data))


def _read(data: bytes) -> Iterator[tuple[str, str]]:
    numbers: dict[str, str] = {}
    for line in lines(data):
        what, name, *rest = line.split(":")
        if what == "group":
            numbers[rest[1]] = name
    for line in lines(data):
        what, name, *rest = line.split(":")
        match what:
            case "user":
                _password, number, group, _comment, home, shell = rest
                kind = "root" if number == "0" else "a person" if _USERS <= int(number) < 60000 else "a system's"
                yield (
                    f"user {name}",
                    f"{kind}, group {numbers.get(group, group)}, home {home}, shell {shell.rsplit('/', 1)[-1]}",
                )
            case "group":
                yield f"group {name}", " ".join(sorted(rest[2].split(","))) or "no further members"
            case "password":
                yield f"password {name}", rest[0]


QUESTION: Final = Question("account", _COMMAND, read)
