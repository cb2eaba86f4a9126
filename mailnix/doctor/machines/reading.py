"""A machine's answers, read into values: each by itself, so that one that makes no sense takes no other along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import cattrs
from attrs import fields, resolve_types

from mailnix.doctor.machines import certificates
from mailnix.doctor.machines.certificates import Certificate
from mailnix.doctor.machines.facts import Facts

resolve_types(Facts)
_CONVERTER: Final = cattrs.Converter(detailed_validation=False)
_CONVERTER.register_structure_hook_func(
    lambda kind: kind in (Certificate, Certificate | None), lambda text, _kind: certificates.read(text)
)
_ABOUT_ALL: Final = ("os", "name", "unasked")


def read(said: Mapping[str, Any]) -> Facts:
    """From what the program on the machine prints; an answer that makes no sense is none, and takes no other along."""
    answers = said.get("answers")
    found: dict[str, Any] = {}
    unasked: dict[str, str] = {}
    for each in fields(Facts):
        answer = answers.get(each.name) if isinstance(answers, Mapping) else None
        if each.name in _ABOUT_ALL or answer is None:
            continue
        try:
            if "failed" in answer:
                unasked[each.name] = str(answer["failed"])
            else:
                found[each.name] = _CONVERTER.structure(answer["ok"], cast(Any, each.type))
        except Exception as error:
            unasked[each.name] = f"its answer makes no sense: {type(error).__name__}"
    return Facts(os=str(said.get("os", "")), name=str(said.get("name", "")), unasked=unasked, **found)
