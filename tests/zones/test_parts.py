"""Records taken apart come back whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailnix.plan import derive
from mailnix.plan.dns import txt
from mailnix.zones import parts
from tests.descriptions import sound


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=600))
def test_a_text_comes_back_from_its_strings(text: str) -> None:
    assert parts.text(txt(text)) == text


def test_what_nobody_can_publish_now_is_in_no_zone() -> None:
    records = derive(sound()).records  # no DKIM key yet
    zones = parts.zones(records)
    published = {record for members in zones.values() for record in members}
    assert {record.type for record in records if record not in published} == {"PTR", "TXT"}
    assert not [record for record in published if "_domainkey" in record.name]


def test_a_host_that_is_not_there_stays_the_root() -> None:
    assert parts.undotted("mail.example.org.") == "mail.example.org"
    assert parts.undotted(".") == "."
