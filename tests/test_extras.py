"""Optional packages, and what is said where they are absent."""

from __future__ import annotations

import pytest

from mailnix import extras
from mailnix.errors import ExtraMissing

REQUIREMENTS = ("attrs>=1", "attrs>=1; extra == 'lab'", "no-such-package>=2; extra == 'lab'", "absent; extra == 'dev'")


def test_an_extra_is_missing_in_the_words_of_pip() -> None:
    with pytest.raises(ExtraMissing) as caught:
        extras.need("lab", "the lab", REQUIREMENTS)
    assert caught.value.packages == ("no-such-package",)
    assert caught.value.message == "the lab needs the extra 'lab': no-such-package not installed"
    assert caught.value.hint == "install it: pip install 'mailnix[lab]'"


def test_what_is_installed_is_not_missing() -> None:
    extras.need("lab", "the lab", REQUIREMENTS[:2])
    assert any("extra == 'lab'" in line for line in extras.stated())
