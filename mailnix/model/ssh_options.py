"""What may stand before a key in authorized_keys, as sshd reads it (sshd(8); sshauthopt_parse in its auth-options.c).

One option that it does not understand, and sshd passes over the whole key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

WHOLE_LINE: Final = "copy the whole line of the .pub file"

_TEXT: Final = r'(?:[^"\\]|\\"|\\(?!"))*'  # a backslash means something before a quote alone
QUOTED: Final = f'"{_TEXT}"'
_SPLIT: Final = re.compile(rf'(?:{QUOTED}|[^,"])+')

_FLAGS: Final = "agent-forwarding port-forwarding pty touch-required user-rc verify-required x11-forwarding"
_ALONE: Final = frozenset(["cert-authority", "restrict", *_FLAGS.split(), *(f"no-{flag}" for flag in _FLAGS.split())])
_ONCE: Final = frozenset(["command", "from", "principals"])
_HOST: Final = r"(?:\[[^\]]+\]|[^:/\[\]]+)"
_PORT: Final = r"(?:\*|[A-Za-z][\w-]*|0*(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))"
_DAY: Final = r"\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_CLOCK: Final = r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?"
_VALUES: Final[Mapping[str, tuple[str, str]]] = {
    "command": (r"(?s:.*)", "uptime"),
    "environment": (r"[A-Za-z0-9_]+=(?s:.*)", "NAME=value"),
    "expiry-time": (rf"{_DAY}(?:{_CLOCK})?(?:[Zz]|UTC)?", "20301231"),
    "from": (r"(?s:.*)", "192.0.2.0/24"),
    "permitlisten": (rf"(?:{_HOST}[:/])?{_PORT}", "localhost:8080"),
    "permitopen": (rf"{_HOST}[:/]{_PORT}", "192.0.2.1:22"),
    "principals": (r"(?s:.*)", "root"),
    "tunnel": (r"(?i:any)|\d{1,9}", "0"),
}
"""Option → what its value looks like, and an example."""


@frozen
class Fault:
    """Why a text is no key that sshd takes, as what follows "admin_keys[0]: ", and what to do."""

    message: str
    hint: str = WHOLE_LINE


def fault(options: str) -> Fault | None:
    """The first thing in them for which sshd would pass over the key."""
    seen: list[str] = []
    for name, value, text in each(options):
        wrong = _fault(name, value, text) or (_twice(name) if name in _ONCE and name in seen else None)
        if wrong is not None:
            return wrong
        seen.append(name)
    if "principals" in seen and "cert-authority" not in seen:
        return Fault(
            "has principals before the key and no cert-authority: sshd would ignore the key",
            "leave it out, or write cert-authority too, where the key is that of an authority",
        )
    return None


def each(options: str) -> Iterator[tuple[str, str | None, str]]:
    """Each option: its name in lower case, what stands after the =, and the text of both."""
    for text in _SPLIT.findall(options):
        name, equals, value = text.partition("=")
        yield name.lower(), value if equals else None, text


def _fault(name: str, value: str | None, text: str) -> Fault | None:
    shown = f"has {text[:30]!r} before the key"
    if name in _ALONE:
        if value is None:
            return None
        return Fault(f"{shown}, and {name} takes no value: sshd would ignore the key", f"write {name} alone")
    if name not in _VALUES:
        hint = "leave it out, or look in sshd(8) for how it is written"
        return Fault(f"{shown}, and sshd knows no such option: it would ignore the key", hint)
    pattern, example = _VALUES[name]
    hint = f'write {name}="…" in double quotes, such as {name}="{example}"'
    if value is None or not re.fullmatch(QUOTED, value):
        return Fault(f"{shown}, without a value in double quotes: sshd would ignore the key", hint)
    if not re.fullmatch(pattern, value[1:-1]):
        return Fault(f"{shown}, which is no value for {name}: sshd would ignore the key", hint)
    return None


def _twice(name: str) -> Fault:
    return Fault(f"has {name} twice before the key: sshd would ignore the key", f"write one {name}")
