"""Texts made equal where they mean the same: where a system keeps its programs and files says nothing about them."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from mailnix import Tunnel

_STORE: Final = re.compile(r"/nix/store/[a-z0-9]{32}-(?:[^\s/;:\"']+(?=/)|(?=[^\s/;:\"']))")
"""Where a package lies; of a file that lies there by itself, what stands before its name."""
_PROGRAM: Final = re.compile(r"((STORE|/usr|/run/current-system/sw|/run/wrappers)(/local)?|(?<![\w/.-]))/s?bin/(?=\w)")


def told(text: str) -> str:
    """A text without folders of programs, and of store paths with the names of files alone."""
    return _PROGRAM.sub("", _STORE.sub(lambda found: "STORE" if not found[0].endswith("-") else "STORE:", text))


_OURS: Final = Tunnel().port
_GIVEN: Final = range(32768, 61000)
"""Ports that the kernel gives to whoever asks for none (ip_local_port_range): they are others at each start."""


def port(number: str) -> str:
    """A port, or that it is any."""
    given = number.isdecimal() and int(number) in _GIVEN and int(number) != _OURS
    return "any" if given else number


def listed(words: object) -> str:
    """A list whose order says nothing."""
    return " ".join(sorted(set(str(words).split())))


def lines(data: bytes) -> list[str]:
    """A program's output, line by line, without empty ones."""
    return [line for line in data.decode(errors="replace").splitlines() if line.strip()]


def said(value: Any) -> str:
    """A value of JSON as a text: what is the same reads the same."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
