"""Python packages that only a part of mailnix needs, so that a plain installation has none of them.

Which they are is stated once, in pyproject.toml, and read here from the metadata of the installed package.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata

from mailnix.errors import ExtraMissing

_REQUIREMENT = re.compile(r"""([\w.-]+)[^;]*;.*\bextra\s*==\s*['"]([\w-]+)['"]""")


def stated() -> Sequence[str]:
    """Every requirement of mailnix with its condition (PEP 508); none where it runs uninstalled."""
    try:
        return metadata.requires("mailnix") or ()
    except metadata.PackageNotFoundError:
        return ()


def missing(extra: str, requirements: Sequence[str]) -> tuple[str, ...]:
    """Names of packages of an extra that are not installed."""
    found = (_REQUIREMENT.match(line) for line in requirements)
    return tuple(match[1] for match in found if match and match[2] == extra and not _is_installed(match[1]))


def need(extra: str, what: str, requirements: Sequence[str] | None = None) -> None:
    """Raise ExtraMissing where `what` ("the lab") cannot work for want of packages of `extra`."""
    if absent := missing(extra, stated() if requirements is None else requirements):
        raise ExtraMissing(extra, what, absent)


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
