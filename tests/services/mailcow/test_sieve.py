"""Filters that hand mail on, told from those that do more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailnix.services.mailcow.guest.description import Forward
from mailnix.services.mailcow.guest.sieve import forward_of, script

ADDRESS = st.builds("{}@{}".format, st.sampled_from("abc"), st.sampled_from(["example.org", "elsewhere.example"]))
FORWARDS = st.builds(Forward, st.lists(ADDRESS, min_size=1, unique=True).map(tuple), st.booleans())


@given(FORWARDS)
def test_a_script_of_ours_is_read_as_what_it_was_written_for(forward: Forward) -> None:
    wanted = Forward(tuple(sorted(forward.to)), forward.keep_copy)
    assert forward_of(script(forward, {"a@example.org", "b@elsewhere.example"})) == wanted


def test_one_that_an_older_mailnix_wrote_is_read_too() -> None:
    text = 'redirect "b@x.example";\nif not header :contains "X-Spam-Flag" "YES" {\n  redirect "a@y.example";\n}\n'
    assert forward_of(text) == Forward(("a@y.example", "b@x.example"), keep_copy=False)


def test_without_a_copy_a_bounce_is_kept_as_well_as_handed_on() -> None:
    lines = script(Forward(("a@example.org",), keep_copy=False), {"a@example.org"}).splitlines()[1:]
    bounces = ['if envelope :is "from" "" {', "  keep;", "}"]
    assert lines == ['require ["envelope"];', *bounces, 'redirect "a@example.org";']
    assert "envelope" not in script(Forward(("a@example.org",), keep_copy=True), ())


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        ('redirect "me@else.example";', False),
        ('redirect "me@else.example"; keep;', True),
        ('keep;\nredirect "me@else.example";', True),
        ('require ["copy"];\nredirect :copy "me@else.example";\n', True),
        ('require "copy"; REDIRECT :COPY "Me@Else.Example";', True),
        ('# holidays; redirect "x@y.example";\n/* keep; */ redirect\n "me@else.example" ;', False),
        ('if  envelope:is "from" ""{keep ;} redirect "me@else.example";', False),
        ('if envelope :is "from" "" { keep; } redirect :copy "me@else.example";', True),
        ('require ["fileinto", "copy"]; redirect :copy "me@else.example"; redirect "me@else.example";', False),
    ],
)
def test_what_people_write_is_understood(text: str, keeps: bool) -> None:
    assert forward_of(text) == Forward(("me@else.example",), keeps)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "keep;",
        "discard;",
        '# redirect "me@else.example";',
        'redirect "me@else.example"; discard;',
        'redirect "me@else.example"; stop;',
        'redirect "me@else.example"',
        'redirect "${mailbox}";',
        'redirect "a\\"@else.example";',
        'if header :contains "Subject" "x" { redirect "me@else.example"; }',
        'if not header :contains "X-Spam-Flag" "YES" { redirect "me@else.example";',
        'if not header :contains "X-Spam-Flag" "YES" { redirect "me@else.example"; keep; }',
        'redirect "me@else.example"; }',
        'if envelope :is "from" "" { keep; }',
        'if envelope :is "from" "boss@x.example" { keep; } redirect "me@else.example";',
        'if envelope :is "from" "" { discard; } redirect "me@else.example";',
        'if envelope :is "from" "" { redirect "me@else.example"; }',
        'require "vacation"; vacation "away"; redirect "me@else.example";',
        'redirect :list "me@else.example";',
        'elsif true { redirect "me@else.example"; }',
    ],
)
def test_what_does_something_else_or_more_is_none(text: str) -> None:
    assert forward_of(text) is None
