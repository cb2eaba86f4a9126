"""The list of differences can be read, and says why in each entry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.parity.compare import ANY, Difference, Reason
from tests.parity.reasons import reasons

ENTRY = """
[[difference]]
kind = "unit"
key = 'caddy\\.service Restart'
why = "a test's"
"""


def test_every_entry_says_why() -> None:
    assert all(len(reason.why) > 10 for reason in reasons())


def test_no_entry_explains_whatever_there_is() -> None:
    anything = Difference("proxy", "made up", "made up", "1", "2")
    assert not any(reason.explains(anything) for reason in reasons())


@pytest.mark.parametrize("reason", reasons(), ids=lambda reason: reason.key)
def test_an_entry_names_its_keys_or_its_values(reason: Reason) -> None:
    made_up = (f"{subject} MadeUp" for subject in ("made-up.service", "haraka-in.service", "/etc", "proxy"))
    assert not any(re.fullmatch(reason.key, key) for key in ("MadeUp", *made_up))
    if reason.debian == reason.nixos == ANY:
        assert not re.search(r"(\.|\\[SwW]|\])[*+]", reason.key), (
            "one of all these may differ in a way that is not meant"
        )


def test_an_entry_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "caddy.toml").write_text(ENTRY)
    (reason,) = reasons(tmp_path)
    assert reason.explains(Difference("proxy", "unit", "caddy.service Restart", "no", "always"))


def test_an_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    (tmp_path / "caddy.toml").write_text(ENTRY.replace("why", "whose"))
    with pytest.raises(TypeError, match="whose"):
        reasons(tmp_path)
