"""docs/reference/both-systems.md, from the list of differences and the last measurements.

python -m tests.parity.page               writes the page
python -m tests.parity.page NIXPKGS       boots those machines first of which no answers are kept, and measures
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import attrs

from mailnix import pipeline
from mailnix.formats.backend import Backend
from tests.parity import labs
from tests.parity.compare import ANY, Reason, judge
from tests.parity.cost import Cost, table
from tests.parity.reasons import FOLDER, parts, reasons

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/reference/both-systems.md"
MEASURED: Final = Path(__file__).with_name("measured.json")

Measured: TypeAlias = Mapping[str, Mapping[str, Cost]]
"""Costs by system and machine."""

HEAD: Final = """\
# Debian's machines and NixOS's, side by side

NixOS's layer of both machines has been built and booted, with Debian's programs in the place of nixpkgs'.
`pytest vm-tests/nixos_layer/test_parity.py` (in `make nixos`) boots the machines of one description as Debian and as
that layer, and asks each for its units with all their properties, open ports and the programs behind them, the ruleset
in the kernel, addresses, routes, rules, tunnels, sysctls, users, groups, modes of state and credentials, the files that
Haraka and Mailcow read, and what sshd, Caddy, unbound, Docker and systemd's own programs have been told. A difference
that is not listed here fails it, and so does an entry that explains nothing.

This page is generated: `python -m tests.parity.page`.
"""
COSTS: Final = """
## What they cost

Measured in the lab, on emulated processors that other work was using more or less of: times of both do not compare.
Programs are Debian's on both systems, on the layer's disks those of both machines and what builds them: what a closure
of nixpkgs' programs takes is not known.
"""
LISTED: Final = """
## What differs

What begins with ~ is a pattern (a regular expression of the whole text); an empty cell stands for any.
"""


def page(measured: Measured) -> str:
    """The page's text."""
    return HEAD + COSTS + "\n" + table(measured["debian"], measured["nixos"]) + LISTED + "".join(_lists())


def _lists() -> Iterator[str]:
    for file in parts(FOLDER):
        yield f"\n### {file.stem.capitalize()}\n\n"
        yield "| machine | what | Debian | NixOS | because |\n|---|---|---|---|---|\n"
        yield from (f"{_row(reason)}\n" for reason in reasons(file))


def _row(reason: Reason) -> str:
    mark = "" if reason.literal else "~ "
    cells = ("" if reason.machine == ANY else reason.machine, _code(mark, f"{reason.kind} {reason.key}"))
    return f"| {' | '.join((*cells, _code(mark, reason.debian), _code(mark, reason.nixos), reason.why))} |"


def _code(mark: str, text: str) -> str:
    shown = text.replace("|", r"\|").replace("\n", " ")
    return "" if text == ANY else f"`` {mark}{shown} ``"


def last() -> Measured:
    """The last measurements."""
    said = json.loads(MEASURED.read_text())
    return {system: {name: Cost(**cost) for name, cost in costs.items()} for system, costs in said.items()}


def measure(nixpkgs: Path) -> str:
    """Ask both systems' machines what they cost, and write it down; what else they say is judged."""
    plan = pipeline.plan(labs.EXAMPLE)
    debian, nixos = (
        labs.of_a_lab(plan, labs.options(backend, nixpkgs), lambda line: print(line, file=sys.stderr))
        for backend in (Backend.DEBIAN, Backend.NIXOS)
    )
    found = {
        system: {name: attrs.asdict(cost) for name, cost in answers.costs.items()}
        for system, answers in (("debian", debian), ("nixos", nixos))
    }
    MEASURED.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    return str(judge(labs.compared(debian, nixos), reasons()))


if __name__ == "__main__":
    if sys.argv[1:]:
        print(measure(Path(sys.argv[1])))
    PAGE.write_text(page(last()))
