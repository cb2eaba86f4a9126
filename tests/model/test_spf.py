"""Mechanisms of SPF are told from what people paste in their place."""

from __future__ import annotations

import pytest

from mailnix.model.spf import fault, lookups, normal


@pytest.mark.parametrize(
    "text",
    [
        "include:_spf.newsletter.example",
        "?include:spf.provider.example",
        "a",
        "a/24",
        "a:mail.provider.example/24//64",
        "mx",
        "mx:provider.example",
        "ip4:203.0.113.7",
        "ip4:203.0.113.0/24",
        "ip6:2001:db8::/32",
        "exists:%{i}._spf.provider.example",
        "include:%{d2}",
        "include:bücher.example",
        "INCLUDE:SPF.Provider.Example",
    ],
)
def test_a_mechanism_is_taken(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-all", "ends with -all already"),
        ("~all", "ends with -all already"),
        ("+ALL", "ends with -all already"),
        ("redirect=_spf.provider.example", "never looked at"),
        ("exp=why.provider.example", "is a modifier"),
        ("v=spf1 include:_spf.provider.example ~all", "a whole record"),
        ("include:a.example include:b.example", "several mechanisms"),
        ("include:", "names no domain"),
        ("include:localhost", "names no domain"),
        ('include:a.example"b', "names no domain"),
        ("exists:%{x}.provider.example", "names no domain"),
        ("a:192.0.2.1", "names no host"),
        ("a:mail.provider.example/33", "names no host"),
        ("mx/24//129", "names no host"),
        ("ip4:192.0.2.1/33", "no IPv4 address"),
        ("ip4:2001:db8::1", "no IPv4 address"),
        ("ip6:192.0.2.1", "no IPv6 address"),
        ("ip4", "no IPv4 address"),
        ("ip4:0.0.0.0/0", "whole internet"),
        ("ip6:::/0", "whole internet"),
        ("ptr", "is slow"),
        ("includes:_spf.provider.example", "no mechanism 'includes'"),
        ("_spf.provider.example", "not a mechanism"),
        ("spf.provider.example", "no mechanism 'spf.provider.example'"),
        ("", "not a mechanism"),
    ],
)
def test_anything_else_is_named(text: str, why: str) -> None:
    found = fault(text)
    assert found is not None
    assert why in found.message


def test_a_pasted_record_is_taken_apart() -> None:
    found = fault("v=spf1 mx include:_spf.provider.example ip4:192.0.2.1 ~all")
    assert found is not None
    assert found.hint == 'write the mechanisms: ["include:_spf.provider.example", "ip4:192.0.2.1"]'


def test_it_is_published_in_one_form() -> None:
    assert normal(" INCLUDE:_SPF.Bücher.example ") == "include:_spf.xn--bcher-kva.example"
    assert normal("exists:%{I}.Provider.example") == "exists:%{I}.Provider.example"  # upper case means escaped there
    assert normal("A/24") == "a/24"
    assert normal("IP6:2001:DB8::1") == "ip6:2001:db8::1"


def test_only_what_is_looked_up_counts() -> None:
    assert lookups(["ip4:192.0.2.1", "ip6:2001:db8::1", "a", "mx", "include:a.example", "exists:b.example"]) == 4
