"""Python source of values: what is written is read back the same, whatever is in it."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailnix
from mailnix import Alias, Domain, Mailbox, MtaStsMode
from mailnix.formats.python import WIDTH, classes, comment, quoted, source

TEXT = st.text(st.characters())
LETTERS = ['"', "'", "\\", "\n", "\r", "\x00", "\u2028", "\u202e", "#", "{"]
NASTY = st.one_of(TEXT, st.lists(st.sampled_from(LETTERS)).map("".join))
quick = settings(max_examples=30, deadline=None)


@quick
@given(NASTY)
def test_any_text_is_read_back(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text
    assert quoted(text).isprintable()


@quick
@given(NASTY)
def test_any_text_is_a_comment_and_nothing_else(text: str) -> None:
    lines = comment(text, 2)
    assert all(line.startswith("        # ") and line.isprintable() for line in lines)
    assert ast.parse("\n".join(lines)).body == []


MAILBOXES = st.lists(st.builds(Mailbox, NASTY, name=NASTY, sends_per_hour=st.integers()), max_size=4)
DOMAINS = st.lists(st.builds(Domain, NASTY, MAILBOXES, st.lists(st.builds(Alias, NASTY, st.lists(NASTY)), max_size=3)))


def evaluated(text: str) -> Any:
    return eval(text, {name: getattr(mailnix, name) for name in mailnix.__all__})


@quick
@given(DOMAINS)
def test_any_description_is_read_back(domains: list[Domain]) -> None:
    """Local parts are lower case and names A-labels once they were read, so twice is what once was."""
    notes = {"domains[0]": ["a\nnote"], "domains[1].mailboxes[0]": ['"""']}
    assert evaluated(source(tuple(domains), notes, "domains")) == domains


def test_only_what_differs_from_the_defaults_is_written() -> None:
    assert source(Mailbox("alice")) == 'Mailbox("alice")'
    assert source(Mailbox("alice", quota="2 GiB")) == 'Mailbox("alice", quota="2 GiB")'
    assert source(Domain("example.org", mta_sts=MtaStsMode.ENFORCE)) == 'Domain("example.org", mta_sts="enforce")'


def test_what_fits_is_on_one_line_and_a_note_is_above_what_it_is_about() -> None:
    domain = Domain("example.org", ["alice", "bob"], [Alias("x", ["alice"])])
    flat = 'Domain("example.org", mailboxes=[Mailbox("alice"), Mailbox("bob")], aliases=[Alias("x", to=["alice"])])'
    assert source(domain) == flat
    assert source(domain, {"d.mailboxes[1]": ["who left"]}, "d") == (
        """Domain(
    "example.org",
    mailboxes=[
        Mailbox("alice"),
        # who left
        Mailbox("bob"),
    ],
    aliases=[Alias("x", to=["alice"])],
)"""
    )


@quick
@given(st.dictionaries(NASTY, st.lists(NASTY, max_size=3), max_size=4))
def test_any_table_is_read_back(table: dict[str, list[str]]) -> None:
    assert ast.literal_eval(source(table)) == table


def test_what_does_not_fit_is_an_item_a_line() -> None:
    text = source(Domain("example.org", [f"mailbox-{number}" for number in range(20)]), depth=1)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("\n        ") > 20


def test_it_says_which_names_to_import() -> None:
    assert classes((Domain("example.org", ["alice"]),)) == {"Domain", "Mailbox"}
    assert classes("text") == frozenset()


def test_a_value_without_source_is_refused() -> None:
    with pytest.raises(TypeError):
        source(object())
