"""What a machine of NixOS is called with: nothing of ours need be there before, so the program comes with each call."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

GUEST: Final = files("mailnix.deploy.nixos") / "guest"
PARTS: Final = ("0-places.sh", "1-former.sh", "1-there.sh", "2-credentials.sh", "3-transaction.sh", "4-verbs.sh")
PROGRAM: Final = ("sh", "-c", 'eval "$0"', "".join((GUEST / part).read_text() for part in PARTS))
"""A verb and its words follow. The program finds its own text in $0, and leaves it to the units that it starts."""

NAME: Final = "nixos"
"""What the program says that it is, where Debian's says its version."""

PYTHON: Final = (
    "sh",
    "-c",
    "for each in python3 wireguard-tools; do"
    " path=$(nix-store --query --requisites /run/current-system"
    ' | grep -m 1 -E -- "-$each(-minimal)?-[0-9.]+\\$") && PATH=$path/bin:$PATH; done; exec "$0" "$@"',
    "python3",
)
"""A Python program's words follow. No login has Python's or WireGuard's programs; services of ours have both."""
