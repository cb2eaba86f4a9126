"""Plain tables and lists (from TOML or JSON) to a topology, by cattrs.

Values are taken as they are: the constructors convert them and `mailnix.model.check` judges them, as for a script.
Only what a script could not even write is found here, all at once: unknown keys and missing ones.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args, get_origin

import attrs

from mailnix.errors import Problem
from mailnix.model.checks.shape import with_article
from mailnix.model.mail import Alias, AppPassword, Mailbox, Protocol, State
from mailnix.model.mailcow import ExtraLines, Setting
from mailnix.model.policies import Alignment, DmarcPolicy, MtaStsMode
from mailnix.model.relays import Relay, RelayTls
from mailnix.model.topology import (
    Backup,
    Domain,
    Family,
    Internal,
    Proxy,
    Topology,
    Tunnel,
)

if TYPE_CHECKING:
    from cattrs import Converter

Steps: TypeAlias = tuple[str | int, ...]
_PLAIN: Final = (
    *(str, int, bool, str | None, str | int, str | int | bool),
    *(DmarcPolicy, DmarcPolicy | None, Alignment | None, MtaStsMode, Family, RelayTls | None, State, Protocol),
)
_TABLES: Final = (
    *(AppPassword, Mailbox, Alias, Domain, Proxy, Backup),
    *(Setting, ExtraLines, Internal, Tunnel, Relay, Topology),
)


def structure(data: Mapping[str, Any]) -> tuple[Topology, tuple[Problem, ...]]:
    """The topology in `data`, and every unknown or missing key.

    Where there are some, the topology is what remains without the unknown, with None for the missing: good enough to
    be checked for further mistakes.
    """
    from cattrs.errors import ClassValidationError

    converter = _converter()
    try:
        return converter.structure(data, Topology), ()
    except ClassValidationError as error:
        faults = tuple(_faults(error))
    mended = deepcopy(dict(data))
    found = [problem for fault in faults for problem in _mend(mended, *fault)]
    return converter.structure(mended, Topology), tuple(found)


@cache
def _converter() -> Converter:
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn

    converter = Converter(forbid_extra_keys=True)
    for kind in _PLAIN:
        converter.register_structure_hook(kind, _as_it_is)
    converter.register_structure_hook_factory(_is_list, lambda kind: _list_of(converter, kind))
    for table in _TABLES:
        attrs.resolve_types(table)
        converter.register_structure_hook(table, _table(make_dict_structure_fn(table, converter)))
        converter.register_structure_hook(table | None, converter.get_structure_hook(table))
    return converter


def _as_it_is(value: Any, _kind: Any) -> Any:
    return value


def _table(build: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Build from a table; anything else is for the constructors (a mailbox may be a bare text) and the check."""
    return lambda value, kind: build(value, kind) if isinstance(value, Mapping) else value


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _list_of(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    items: Any = list[get_args(kind)[0]]  # type: ignore[misc]  # a type that is only known here
    return lambda value, _kind: tuple(converter.structure(value, items)) if isinstance(value, list) else value


def _faults(error: BaseException, steps: Steps = ()) -> Iterator[tuple[Steps, BaseException]]:
    """Every fault that cattrs found, with the keys and indices that lead to it."""
    from cattrs.errors import ClassValidationError, IterableValidationError

    match error:
        case ClassValidationError():
            inner, own = error.group_exceptions()
            for fault, note in inner:
                yield from _faults(fault, (*steps, note.name))
        case IterableValidationError():
            items, own = error.group_exceptions()
            for fault, at in items:
                yield from _faults(fault, (*steps, at.index))
        case _:
            yield steps, error
            return
    for fault in own:
        yield from _faults(fault, steps)


def _mend(data: Any, steps: Steps, fault: BaseException) -> Iterator[Problem]:
    """Take an unknown key out, put None in for a missing one, and say so."""
    from cattrs.errors import ForbiddenExtraKeysError

    if isinstance(fault, ForbiddenExtraKeysError):
        known = [attribute.name for attribute in attrs.fields(fault.cl)]
        for key in sorted(fault.extra_fields, key=str):
            del _at(data, steps)[key]
            message = f"unknown key of {with_article(fault.cl.__name__)}"
            yield Problem(_path((*steps, key)), message, _suggestion(str(key), known))
    elif isinstance(fault, KeyError):
        _at(data, steps[:-1])[steps[-1]] = None
        yield Problem(_path(steps), "is missing", f"write: {steps[-1]} = …")
    else:
        raise fault


def _at(data: Any, steps: Steps) -> Any:
    for step in steps:
        data = data[step]
    return data


def _path(steps: Steps) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def _suggestion(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
