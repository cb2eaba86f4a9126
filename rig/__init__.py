"""Programs of a mail path on loopback: Haraka as rendered here, a Postfix like Mailcow's, a recording mail server.

Tests and benchmarks share it, so it belongs to neither, and not to the package that users install. Everything runs on
loopback addresses and free ports, below one temporary folder.
"""

from rig.haraka import Haraka, haraka
from rig.npm import javascript, npm_tree
from rig.postfix import TRUSTING, Postfix, postfix
from rig.sink import MUTE, RESET, Sink, sink
from rig.stand import Stand, missing, self_signed, stand
from rig.waiting import PATIENCE, answers, free_port, until

__all__ = [
    "MUTE",
    "PATIENCE",
    "RESET",
    "TRUSTING",
    "Haraka",
    "Postfix",
    "Sink",
    "Stand",
    "answers",
    "free_port",
    "haraka",
    "javascript",
    "missing",
    "npm_tree",
    "postfix",
    "self_signed",
    "sink",
    "stand",
    "until",
]
