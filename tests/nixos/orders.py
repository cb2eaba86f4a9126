"""What must hold between a machine's units: orderings and requirements of orders.toml, looked for in units' files.

systemd comes after nothing, in silence, where an ordering is lost or names a unit that is not there: a machine boots,
most of the time.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

from mailnix.debian.host import DebianHost
from mailnix.plan import HostPlan, InternalPlan, ProxyPlan
from mailnix.tree import File
from tests.nixos import stated
from tests.nixos.stated import Texts

Said: TypeAlias = Mapping[str, Mapping[str, frozenset[str]]]
"""By unit and key, the units that are named."""

WANTED_BY: Final = "WantedBy"
TIED: Final = ("BindsTo", "Conflicts", "PartOf", "Requires", "Requisite", "Unit", "Upholds")
"""Keys with which a unit starts, stops or fails another, or itself with it (systemd.unit(5))."""
_THESE: Final = re.compile(rf"{stated.MADE_BY_US.pattern}|nftables\.service")
KEYS: Final = (*TIED, "After", "Before", "Wants", WANTED_BY)


def sections(host: HostPlan, system: str) -> tuple[str, ...]:
    """Those of orders.toml that are about a machine; `system` is "nixos" or "debian"."""
    at_home = isinstance(host, InternalPlan)
    role = "internal" if at_home else "proxy"
    regular = isinstance(host, InternalPlan) and host.backup is not None
    own_key = isinstance(host, ProxyPlan) and host.dane
    also = {
        "dane": own_key,
        f"{system}-dane": own_key,
        "shown": not host.sealed,
        "backup": regular or (at_home and system == "debian"),
        "regular": regular,
    }
    return ("every", role, system, f"{system}-{role}", *(name for name, there in also.items() if there))


def expected(*names: str) -> Said:
    """What these sections say, added together."""
    written = tomllib.loads(Path(__file__).with_name("orders.toml").read_text())
    found: dict[str, dict[str, frozenset[str]]] = {}
    for unit, keys in (each for name in names for each in written.get(name, {}).items()):
        entry = found.setdefault(unit, {})
        for key, others in keys.items():
            entry[key] = entry.get(key, frozenset()) | frozenset(others)
    return found


def said(texts: Texts) -> Said:
    """What the machine's units say: those of ours, and the firewall's."""
    wanted: dict[str, set[str]] = {}
    for path in texts:
        folder, unit = PurePosixPath(path).parts[-2:] if "/" in path else ("", path)
        if path.startswith(stated.UNITS) and folder.endswith(".wants"):
            wanted.setdefault(unit, set()).add(folder.removesuffix(".wants"))
    return {
        unit: {key: frozenset(" ".join(settings.get(key, ())).split()) for key in KEYS if key != WANTED_BY}
        | {WANTED_BY: frozenset(wanted.get(unit, ()))}
        for unit, settings in stated.units(texts, _THESE).items()
    }


def faults(texts: Texts, *names: str) -> list[str]:
    """`UNIT: KEY=OTHER` with what is wrong of it, where a machine is not as these sections say."""
    wanted, found = expected(*names), said(texts)
    lines = [f"{unit}: not there" for unit in wanted if unit not in found]
    lines += [f"{unit}: not in orders.toml" for unit in found if unit not in wanted]
    for unit in wanted.keys() & found.keys():
        for key in KEYS:
            must, does = wanted[unit].get(key, frozenset()), found[unit][key]
            lines += [f"{unit}: {key}={other} is missing" for other in must - does]
            lines += [f"{unit}: {key}={other} is too much" for other in does - must if key in TIED]
    return sorted(lines)


def of_debian(host: DebianHost) -> Texts:
    """A Debian machine's files of ours, as `faults` reads them; a link has no text, one that masks is left out."""
    return {
        entry.path.lstrip("/"): entry.data.decode(errors="replace") if isinstance(entry, File) else ""
        for entry in host.tree
        if isinstance(entry, File) or entry.target != "/dev/null"
    }
