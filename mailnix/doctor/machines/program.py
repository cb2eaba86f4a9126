"""The program that is sent to a machine: its modules, run from memory, so that nothing is laid there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mailnix.deploy.nixos import program as nixos

MODULES: Final = ("here", "talk", "system", "network", "mail", "home", "admin", "deployed", "main")
"""In the order of their imports; the last one has the `main` that is called."""

POST: Final = (*MODULES, "post")
"""For mails of the doctor's own."""

_PACKAGE: Final = "doctor"
_LOAD: Final = f"""\
import json, sys, types
sent = json.load(sys.stdin)
package = sys.modules["{_PACKAGE}"] = types.ModuleType("{_PACKAGE}")
package.__path__ = []
for name, text in sent["modules"]:
    module = sys.modules["{_PACKAGE}." + name] = types.ModuleType("{_PACKAGE}." + name)
    module.__package__ = "{_PACKAGE}"
    setattr(package, name, module)
    exec(compile(text, name, "exec"), module.__dict__)
module.main(json.dumps(sent["told"]))
"""

_START: Final = """\
if [ "$(id -u)" != 0 ]; then exec sudo -n sh -c "$0" "$0" "$@"; fi
if [ -e /etc/NIXOS ]; then exec {nixos} "$@"; fi
exec python3 "$@"
"""
"""As root, by sudo where that is wanted, with the Python that every machine of ours has; $0 is this text."""


def words() -> tuple[str, ...]:
    """The call, which wants `sent` on its standard input."""
    start = _START.format(nixos=shlex.join(nixos.PYTHON))
    return ("sh", "-c", start, start, "-I", "-c", _LOAD)


def sent(told: Mapping[str, Any], modules: Sequence[str] = MODULES) -> bytes:
    """What the call reads: the program, and for each question what it needs to know."""
    return json.dumps({"modules": [(name, _text(name)) for name in modules], "told": told}).encode()


@cache
def _text(name: str) -> str:
    return (files("mailnix.doctor.machines") / "guest" / f"{name}.py").read_text("utf-8")
