"""Calendar texts as systemd reads them (systemd.time(7)), checked here so that a typo shows before a machine has it."""

from __future__ import annotations

import re
from typing import Final

WORDS: Final = frozenset({"hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "annually"})
_DAY: Final = r"(?:mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
_DAYS: Final = re.compile(rf"{_DAY}(?:\.\.{_DAY})?(?:,{_DAY}(?:\.\.{_DAY})?)*,?", re.IGNORECASE)
_ZONE: Final = re.compile(r"UTC|[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+")
_NUMBERS: Final = re.compile(r"(\d+)(?:\.\.(\d+))?(?:/\d+)?|\*")


def calendar_problem(text: str) -> str | None:
    """What is wrong with a calendar text, or None: `03:30`, `Mon..Fri 02:00`, `*-*-01 04:00`, `weekly`."""
    words = text.split()
    if not words:
        return "is empty"
    if len(words) == 1 and words[0].lower() in WORDS:
        return None
    if _DAYS.fullmatch(words[0]):
        words = words[1:]
        if not words:
            return None
    if len(words) > 1 and _ZONE.fullmatch(words[-1]):
        words = words[:-1]
    kinds = ["time" if ":" in word else "date" for word in words]
    if kinds not in (["date"], ["time"], ["date", "time"]):
        return f"{text[:40]!r} is not a time that systemd reads"
    checks = {"date": _date_problem, "time": _time_problem}
    return next((problem for kind, word in zip(kinds, words, strict=True) if (problem := checks[kind](word))), None)


def _date_problem(text: str) -> str | None:
    parts = re.split(r"[-~]", text)
    limits = ((1970, 2199), (1, 12), (1, 31))
    if not 2 <= len(parts) <= 3:
        return f"{text[:40]!r} is not a date that systemd reads"
    return _parts_problem(parts, limits[-len(parts) :], text)


def _time_problem(text: str) -> str | None:
    parts = text.split(":")
    if not 2 <= len(parts) <= 3:
        return f"{text[:40]!r} is not a time that systemd reads"
    return _parts_problem(parts, ((0, 23), (0, 59), (0, 59))[: len(parts)], text)


def _parts_problem(parts: list[str], limits: tuple[tuple[int, int], ...], text: str) -> str | None:
    for part, (low, high) in zip(parts, limits, strict=True):
        for item in part.split(","):
            found = _NUMBERS.fullmatch(item)
            numbers = [int(number) for number in found.groups() if number] if found else []
            if found is None or not all(low <= number <= high for number in numbers):
                return f"{item[:20]!r} in {text[:40]!r} is not between {low} and {high}"
            if numbers != sorted(numbers):
                return f"{item[:20]!r} in {text[:40]!r} ends before it begins"
    return None
