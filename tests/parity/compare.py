"""Two machines' facts, compared; and differences matched with the reasons that are given for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from tests.parity.facts import Facts, Values

NOTHING = "(nothing)"
"""The value of a key that one machine has not."""


ANY: Final = ".*"
"""The pattern of everything."""
THERE: Final = "(there)"
"""That of a thing which the other machine has not at all."""


@frozen
class Difference:
    """One fact in which the two systems' machines differ."""

    machine: str
    kind: str
    key: str
    debian: str
    nixos: str

    def __str__(self) -> str:
        return f"{self.machine} {self.kind} {self.key}\n    Debian: {self.debian}\n    NixOS:  {self.nixos}"


@frozen
class Reason:
    """Why machines may differ: patterns (regular expressions, of the whole text) for what it is about, and a sentence.

    A pattern that is not given matches everything. One that is `literal` has the key and both values as they are shown.
    """

    why: str
    kind: str
    key: str
    debian: str = ANY
    nixos: str = ANY
    machine: str = ANY
    literal: bool = False

    def explains(self, found: Difference) -> bool:
        """Whether it is the reason for this difference."""
        if self.literal and (self.key, self.debian, self.nixos) != (found.key, found.debian, found.nixos):
            return False
        patterns = ("machine", "kind") if self.literal else _COMPARED
        return all(re.fullmatch(getattr(self, name), getattr(found, name), re.DOTALL) for name in patterns)

    def __str__(self) -> str:
        return f"{' '.join(f'{name}={getattr(self, name)!r}' for name in _COMPARED)}: {self.why}"


_MODES: Final = "file"
_COMPARED: Final = ("machine", "kind", "key", "debian", "nixos")


@frozen
class Verdict:
    """What came of a comparison: differences that nothing explains, and reasons that explain nothing."""

    unexplained: tuple[Difference, ...]
    stale: tuple[Reason, ...]

    def __str__(self) -> str:
        lines = [f"unexplained: {each}" for each in self.unexplained]
        lines += [f"explains nothing any more: {each}" for each in self.stale]
        return "\n".join(lines)


def differences(machine: str, debian: Facts, nixos: Facts) -> Iterator[Difference]:
    """Everything in which two machines of one plan differ.

    A key's first word is what it is about, a unit for example; what one machine has not at all differs in that alone,
    but for modes, which count wherever a file is.
    """
    for kind in sorted({*debian, *nixos}):
        here, there = debian.get(kind, {}), nixos.get(kind, {})
        both = _subjects(here) & _subjects(there)
        for subject in sorted(_subjects(here) ^ _subjects(there)):
            there_is = {**here, **there}.get(subject, THERE) if kind == _MODES else THERE
            has = subject in _subjects(here)
            yield Difference(machine, kind, subject, *((there_is, NOTHING) if has else (NOTHING, there_is)))
        for key in sorted(key for key in {*here, *there} if _subject(key) in both):
            if here.get(key) != there.get(key):
                yield Difference(machine, kind, key, here.get(key, NOTHING), there.get(key, NOTHING))


def _subject(key: str) -> str:
    return key.partition(" ")[0]


def _subjects(values: Values) -> set[str]:
    return {_subject(key) for key in values}


def judge(found: Iterable[Difference], reasons: Sequence[Reason]) -> Verdict:
    """Match differences with reasons; each must have one of the other."""
    found = tuple(found)
    used = {index for index, reason in enumerate(reasons) if any(reason.explains(each) for each in found)}
    return Verdict(
        tuple(each for each in found if not any(reason.explains(each) for reason in reasons)),
        tuple(reason for index, reason in enumerate(reasons) if index not in used),
    )
