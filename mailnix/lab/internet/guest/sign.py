#!/usr/bin/env python3
"""Sign a zone for as long as a lab may be kept, with a key that is made once, here: `sign.py ZONE SIGNED ANCHOR`.

SIGNED is written whole, ANCHOR gets the key's DNSKEY record, by which a resolver knows the zone. The zone's name is
the root. Only the standard library, and BIND's own programs.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ALGORITHM = "ECDSAP256SHA256"
LIFE = 3650 * 86_400  # seconds; as the lab's certificates


def key(folder: Path) -> Path:
    """The zone's one key, which signs itself and everything else; made where there is none."""
    if not list(folder.glob("K.+*.key")):
        subprocess.run(["dnssec-keygen", "-q", "-a", ALGORITHM, "-f", "KSK", "-K", folder, "."], check=True)
    (found,) = folder.glob("K.+*.key")
    return found


def record(text: str) -> str:
    """The DNSKEY record of a key file, without its comments."""
    (line,) = [line for line in text.splitlines() if line and not line.startswith(";")]
    return line


def sign(zone: Path, signed: Path, anchor: Path) -> None:
    """Sign, and say by which key."""
    made = key(signed.parent)
    new = signed.with_suffix(".new")
    # -z: every record with the one key; -d: what it would tell a parent stays beside it
    options: list[str | Path] = [
        "-S",
        "-z",
        "-K",
        signed.parent,
        "-d",
        signed.parent,
        "-o",
        ".",
        "-e",
        f"now+{LIFE}",
        "-f",
        new,
    ]
    subprocess.run(["dnssec-signzone", *options, zone], check=True, stdout=subprocess.DEVNULL)
    new.rename(signed)
    anchor.write_text(record(made.read_text()) + "\n")


def main(argv: Sequence[str]) -> int:
    """Sign what the arguments name."""
    zone, signed, anchor = map(Path, argv)
    sign(zone, signed, anchor)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
