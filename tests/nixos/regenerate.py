"""Write what the repository keeps of the example: run this when a change is meant to change it.

hosts/ from docs/examples/two_machines.py, and for the mail-exchange check the internet's texts and the hash of the
fake Mailcow tree.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mailnix.config import load
from mailnix.lab.fake_mailcow.nix import write_tree
from mailnix.lab.internet import nixos as internet
from mailnix.nar import nar_hash
from mailnix.nixos.flake import machines
from mailnix.plan import derive
from mailnix.plan.types import Plan
from mailnix.tree import File

REPOSITORY = Path(__file__).resolve().parents[2]
EXCHANGE = "/vm-tests/nixos/exchange"


def example() -> Plan:
    """The plan of the example."""
    return derive(load(REPOSITORY / "docs/examples/two_machines.py"))


def exchange(plan: Plan) -> Iterator[File]:
    """What the mail-exchange check reads of mailnix while it is evaluated: paths below the repository."""
    for file in internet.files(plan):
        yield File(f"{EXCHANGE}/internet{file.path}", file.content)
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work) / "tree"
        write_tree(tree)
        yield File(f"{EXCHANGE}/fake-mailcow.json", json.dumps({"tree": nar_hash(tree)}, indent=2) + "\n")


def main() -> None:
    """Write all of it."""
    for folder in ("hosts", f"{EXCHANGE[1:]}/internet"):
        shutil.rmtree(REPOSITORY / folder, ignore_errors=True)
    for file in (*machines(example()), *exchange(example())):
        path = REPOSITORY / file.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)


if __name__ == "__main__":
    main()
