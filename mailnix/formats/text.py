"""Templates and ini text, the two ways services write configuration, and data that our Nix modules read too."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from jinja2 import Environment

Section: TypeAlias = tuple[str, Mapping[str, object]]
"""A section's name and its keys; a tuple or list value repeats the key, None leaves it out."""

_SERVICES: Final = Path(__file__).parents[1] / "services"


@cache
def _environment(service: str) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(f"mailnix.services.{service}"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def template(service: str, name: str, **values: object) -> str:
    """Render `services/<service>/templates/<name>`; an unknown variable is an error."""
    return _environment(service).get_template(name).render(**values)


def data(path: str) -> Mapping[str, Any]:
    """What is in the TOML file `services/<path>`: what both systems must know, and modules/ reads too."""
    found: Mapping[str, Any] = tomllib.loads((_SERVICES / path).read_text("utf-8"))
    return found


def ini(sections: Iterable[Section], *, heading: str = "") -> str:
    """systemd's ini form (systemd.syntax(7)): booleans as yes and no, lists as repeated keys."""
    lines = [f"# {line}" for line in heading.splitlines()]
    for name, keys in sections:
        if lines:
            lines.append("")
        lines.append(f"[{name}]")
        for key, value in keys.items():
            lines += [f"{key}={_ini_value(item)}" for item in _items(value)]
    return "\n".join(lines) + "\n"


def _items(value: object) -> tuple[object, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _ini_value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
