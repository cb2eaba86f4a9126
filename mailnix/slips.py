"""What a script's author probably meant: names of ours that were mistyped, missing or not imported."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final

import attrs

import mailnix

_UNKNOWN: Final = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")
_MISSING: Final = re.compile(r"(\w+)\.__init__\(\) missing \d+ required positional arguments?: (.*)")
_TOO_MANY: Final = re.compile(r"(\w+)\.__init__\(\) takes .*?(\d+) positional arguments but (\d+) were given")
_NOT_EXPORTED: Final = re.compile(r"cannot import name '(\w+)' from '(mailnix(?:\.model)?)'")


def explained(error: BaseException) -> str:
    """The mistake in one sentence; empty where it has nothing to do with names of ours."""
    said = str(error)
    match error:
        case TypeError() if found := _UNKNOWN.match(said):
            return _unknown_field(found[1], found[2])
        case TypeError() if found := _MISSING.match(said):
            return f"{found[1]}() lacks {found[2].replace(chr(39), '')}" if found[1] in mailnix.__all__ else ""
        case TypeError() if found := _TOO_MANY.match(said):
            return _too_many(found[1], int(found[3]) - 1)  # Python counts self
        case NameError(name=str(name)):
            return _unknown_name(name)
        case ImportError() if found := _NOT_EXPORTED.match(said):
            return _not_ours(found[1])
        case AttributeError(name=str(name), obj=obj) if obj is mailnix:
            return _not_ours(name)
    return ""


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """The likely one of the known words; empty where none is near."""
    by_lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else ""


def _unknown_field(kind: str, field: str) -> str:
    if kind not in mailnix.__all__:
        return ""
    fields = [attribute.name for attribute in attrs.fields(getattr(mailnix, kind))]
    likely = did_you_mean(field, fields)
    return f'{kind}() has no field "{field}": ' + (
        f"did you mean {likely}?" if likely else f"it has {', '.join(fields)}"
    )


def _too_many(kind: str, given: int) -> str:
    if kind not in mailnix.__all__:
        return ""
    fields = [attribute.name for attribute in attrs.fields(getattr(mailnix, kind))]
    return f"{kind}() was given {given} values and has {len(fields)} fields: write their names, {fields[1]}=…"


def _unknown_name(name: str) -> str:
    if name in mailnix.__all__:
        return f'"{name}" is not imported: write above it: from mailnix import {name}'
    likely = did_you_mean(name, mailnix.__all__)
    return f'nothing is called "{name}": did you mean {likely}?' if likely else ""


def _not_ours(name: str) -> str:
    likely = did_you_mean(name, mailnix.__all__)
    return f'mailnix has no "{name}": ' + (
        f"did you mean {likely}?" if likely else f"it has {', '.join(mailnix.__all__)}"
    )
