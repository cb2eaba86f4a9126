"""Texts made equal where they mean the same: where a system keeps its programs and files says nothing about them."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_STORE: Final = re.compile(r"/nix/store/[a-z0-9]{32}-[^\s/;:\"']+")
_PROGRAM: Final = re.compile(r"((STORE|/usr|/run/current-system/sw|/run/wrappers)(/local)?|(?<![\w/.-]))/s?bin/(?=\w)")


def told(text: str) -> str:
    """A text without store paths and folders of programs."""
    return _PROGRAM.sub("", _STORE.sub("STORE", text))


def listed(words: object) -> str:
    """A list whose order says nothing."""
    return " ".join(sorted(set(str(words).split())))


def lines(data: bytes) -> list[str]:
    """A program's output, line by line, without empty ones."""
    return [line for line in data.decode(errors="replace").splitlines() if line.strip()]


def said(value: Any) -> str:
    """A value of JSON as a text: what is the same reads the same."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
