"""Open ports with the program behind each, and who may reach the address (ss(8))."""

from __future__ import annotations

import re
from typing import Final

from tests.parity.facts import Question, Values
from tests.parity.kinds.words import lines, port


def read(data: bytes) -> Values:
    """`ss -HOlntup`, by transport and end; what it says is the programs' names."""
    values: dict[str, set[str]] = {}
    for line in lines(data):
        transport, _state, _received, _sent, end, *rest = line.split()
        address, _, number = end.rpartition(":")
        programs = set(re.findall(r'\("([^"]+)"', " ".join(rest))) or {"kernel"}
        values.setdefault(f"{transport} {address}:{port(number)}", set()).update(programs)
    return {end: " ".join(sorted(programs)) for end, programs in values.items()}


QUESTION: Final = Question("open port", "ss -HOlntup", read)
