"""How long the shipped provisioner takes to make mailboxes in Mailcow's own code, and to find that all are there.

Run as root, with a tree of the pinned Mailcow (CONTRIBUTING.md says how to get one):
`MAILNIX_MAILCOW_TREE=TREE python benchmarks/provisioning.py [--sizes 100,300,1000] [--domains 1]`. Mailcow's PHP,
MariaDB, Redis and nginx run natively, in namespaces. Each size is reached from the one before.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, frozen

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `rig` and `tests`

from mailnix import Domain, Mailbox, Topology
from rig.mailcow import Mailcow, mailcow, missing, refusal
from tests.real.description import DESCRIPTION
from tests.real.given import HOW, TREE, tree
from tests.real.said import changes

HEAD = ("mailboxes", "new", "s", "s for each", "processor s for each", "calls for each", "second run, s", "its calls")
TICKS = os.sysconf("SC_CLK_TCK")


@frozen
class Run:
    """A run of the provisioner: its changes, wall-clock seconds, Mailcow's processor seconds, calls of the API."""

    changes: int
    seconds: float
    processor: float
    calls: int

    @classmethod
    def of(cls, machine: Mailcow) -> Run:
        """Run it, and compare with before."""
        began, spent, asked = time.monotonic(), processor(machine), machine.calls()
        made = changes(machine.provision(timeout=7200))
        return cls(made, time.monotonic() - began, processor(machine) - spent, machine.calls() - asked)


def processor(machine: Mailcow) -> float:
    """Seconds that whatever runs inside has computed, and what has ended there."""
    total = 0
    for stat in machine.space.path("/proc").glob("[0-9]*/stat"):
        fields = stat.read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime: proc(5)
    return total / TICKS


def described(mailboxes: int, domains: int) -> Topology:
    """So many mailboxes, in equal parts."""
    boxes = [Mailbox(f"person{number}") for number in range(mailboxes // domains)]
    return evolve(DESCRIPTION, domains=[Domain(f"domain{number}.example", boxes) for number in range(domains)])


def measured(machine: Mailcow, sizes: list[int], domains: int) -> Iterator[tuple[int, Run, Run]]:
    """For each size the run that makes what is missing, and the next, which finds nothing to do."""
    machine.describe(described(domains, domains))  # domains and keys are not what is measured
    machine.provision(timeout=7200)
    for size in sizes:
        machine.describe(described(size, domains))
        made, again = Run.of(machine), Run.of(machine)
        assert again.changes == 0, "the second run found something to do"
        yield size, made, again


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,300,1000", help="mailboxes in all, ascending")
    parser.add_argument("--domains", type=int, default=1, help="that they are in")
    options = parser.parse_args()
    given = tree(TREE)
    wrong = f"{TREE} names no tree of Mailcow; {HOW}" if given is None else missing() or refusal(given)
    if given is None or wrong:
        print(f"cannot measure: {wrong}", file=sys.stderr)
        return 1
    for line in (HEAD, ["---"] * len(HEAD)):
        print(f"| {' | '.join(line)} |", flush=True)
    with mailcow(DESCRIPTION, given) as machine:
        for size, made, again in measured(machine, [int(word) for word in options.sizes.split(",")], options.domains):
            each = (made.seconds, made.processor, made.calls)
            figures = [f"{value / made.changes:.2f}" for value in each]
            cells = [f"{size:,}", f"{made.changes:,}", f"{made.seconds:.0f}", *figures, f"{again.seconds:.1f}"]
            print(f"| {' | '.join([*cells, str(again.calls)])} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
