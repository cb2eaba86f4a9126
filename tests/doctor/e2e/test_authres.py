"""Authentication-Results as receivers write them, and as senders of bad faith would."""

from __future__ import annotations

import time

import pytest

from mailnix.doctor.e2e.authres import aligned, author, parsed, results

GMAIL = b"""\
Delivered-To: you@gmail.example
Authentication-Results: mx.google.example;
       dkim=pass header.i=@example.org header.s=dkim header.b=abcDEF12;
       spf=pass (google.example: domain of alice@example.org designates 203.0.113.10 as permitted sender)
 smtp.mailfrom=alice@example.org;
       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=example.org
From: Alice <alice@example.org>

hello
"""
OUTLOOK = b"""\
Authentication-Results: spf=pass (sender IP is 203.0.113.10)
 smtp.mailfrom=example.org; dkim=pass (signature was verified)
 header.d=example.org;dmarc=pass action=none header.from=example.org;compauth=pass reason=100
From: alice@example.org

hello
"""


def said(raw: bytes, server: str = "") -> dict[str, tuple[str, str]]:
    return {each.method: (each.result, each.domain) for each in results(parsed(raw), server)}


def test_results_are_read_with_the_domains_that_they_are_about() -> None:
    assert said(GMAIL) == {
        "dkim": ("pass", "example.org"),
        "spf": ("pass", "example.org"),
        "dmarc": ("pass", "example.org"),
    }


def test_a_server_that_leaves_its_name_out_is_read_and_not_taken_for_another() -> None:
    assert {method: result for method, (result, _domain) in said(OUTLOOK).items()} == {
        "spf": "pass",
        "dkim": "pass",
        "dmarc": "pass",
        "compauth": "pass",
    }
    assert said(OUTLOOK, "mx.google.example") == {}


def test_only_the_outermost_server_counts_or_the_one_that_is_named() -> None:
    forged = b"Authentication-Results: mine.example; dkim=pass header.d=example.org\n"
    raw = b"Authentication-Results: mx.far.example; dkim=fail header.d=example.org\n" + forged + b"\nhello\n"
    assert said(raw) == {"dkim": ("fail", "example.org")}
    assert said(raw, "MX.far.example") == {"dkim": ("fail", "example.org")}
    assert said(raw, "mine.example") == {"dkim": ("pass", "example.org")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"mx.a; none", {}),
        (b"mx.a 1; spf=pass smtp.mailfrom=x@a.example", {"spf": ("pass", "a.example")}),
        (b"mx.a; dkim/1 = pass header.d = a.example", {"dkim": ("pass", "a.example")}),
        (b"mx.a; dkim=PASS (1024-bit; key (good)) header.d=A.example.", {"dkim": ("pass", "a.example")}),
        (b'mx.a; dkim=fail reason="bad; very bad" header.d=a.example', {"dkim": ("fail", "a.example")}),
        (b'mx.a; spf=pass smtp.mailfrom="x y"@a.example', {"spf": ("pass", "x y")}),
        (b"mx.a (spf=pass); spf=softfail (spf=pass dkim=pass)", {"spf": ("softfail", "")}),
        (b"mx.a; spf=pass (unclosed dmarc=pass", {"spf": ("pass", "")}),
        (b";;;=;==", {}),
        (b"", {}),
        (b"\xff\xfe; spf=\xff", {"spf": ("\N{REPLACEMENT CHARACTER}", "")}),
        (b"; spf=pass", {"spf": ("pass", "")}),
        (b"mx.a; spf=pass " + b"(" * 100_000, {"spf": ("pass", "")}),
    ],
)
def test_odd_ones_are_read_as_far_as_they_go(text: bytes, found: dict[str, tuple[str, str]]) -> None:
    assert said(b"Authentication-Results: " + text + b"\n\nhello\n") == found


@pytest.mark.parametrize(
    ("header", "domain"),
    [(b"From: Alice <alice@Example.org>", "example.org"), (b"From: alice@example.org", "example.org"), (b"X: y", "")],
)
def test_the_author_is_who_stands_in_from(header: bytes, domain: str) -> None:
    assert author(parsed(header + b"\n\nhello\n")) == domain


@pytest.mark.parametrize(
    ("domain", "strict", "relaxed"),
    [
        ("example.org", True, True),
        ("mail.example.org", False, True),
        ("org", False, False),
        ("example.net", False, False),
        ("notexample.org", False, False),
        ("", False, False),
    ],
)
def test_a_domain_stands_for_the_author_or_does_not(domain: str, strict: bool, relaxed: bool) -> None:
    assert aligned(domain, "example.org", strict=True) is strict
    assert aligned(domain, "example.org", strict=False) is relaxed


def test_mails_that_are_made_to_hang_or_to_break_who_reads_them_are_read() -> None:
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (each, each) for each in range(2000))
    raw = b"From: %s\nAuthentication-Results: mx.far.example; %s; dkim=pass header.d=example.org\n" % (
        b"(" * 20000,
        b"a" * 60000,
    )
    begun = time.monotonic()
    assert said(raw + parts) == {"dkim": ("pass", "example.org")}
    assert author(parsed(raw + parts)) == ""
    assert time.monotonic() - begun < 20  # without an end to it, five minutes
