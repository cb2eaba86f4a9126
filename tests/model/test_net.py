from __future__ import annotations

import pytest

from mailnix.model.net import mac


@pytest.mark.parametrize("card", ["52:54:00:ab:cd:ef", "52:54:00:AB:CD:EF", "52-54-00-ab-cd-ef"])
def test_a_mac_is_told_from_a_name_however_it_is_written(card: str) -> None:
    assert mac(card) == "52:54:00:ab:cd:ef"


@pytest.mark.parametrize("card", ["ens3", "eth0", "enx525400abcdef", "52:54:00:ab:cd", "52:54-00:ab:cd:ef", ""])
def test_anything_else_is_a_name(card: str) -> None:
    assert mac(card) is None
