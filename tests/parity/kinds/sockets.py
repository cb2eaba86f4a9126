"""Open ports with the program behind each, and who may reach the address (ss(8))."""

from __future__ import annotations

import re
from typing import Final

from tests.parity.facts import Question, Values
from tests.parity.kinds.words import lines

_OF_A_CLIENT: Final = 32768
"""The first port that the kernel gives to whoever asks for none (ip_local_port_range): it is another at each start."""


def read(data: bytes) -> Values:
    """`ss -HOlntup`, by transport and end; what it says is the programs' names."""
    values: dict[str, set[str]] = {}
    for line in lines(data):
        transport, _state, _received, _sent, end, *rest = line.split()
        address, _, port = end.rpartition(":")
        if int(port) >= _OF_A_CLIENT and transport == "udp" and "wg" not in line and rest[1:]:
            port = "any"
        programs = set(re.findall(r'\("([^"]+)"', " ".join(rest))) or {"kernel"}
        values.setdefault(f"{transport} {address}:{port}", set()).update(programs)
    return {end: " ".join(sorted(programs)) for end, programs in values.items()}


QUESTION: Final = Question("open port", "ss -HOlntup", read)
