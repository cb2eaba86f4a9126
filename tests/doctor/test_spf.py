"""SPF as receivers evaluate it (RFC 7208), with its limits."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from mailnix.doctor.spf import Outcome, Result, evaluate
from mailnix.doctor.spf_macros import expanded
from mailnix.plan.dns import txt
from mailnix.resolve import Absent, Answer, Found, Unasked

HERE, HERE6, OTHER = "192.0.2.3", "2001:db8::3", "203.0.113.9"
ZONE: dict[tuple[str, str], tuple[str, ...]] = {
    ("mail.example", "A"): (HERE,),
    ("mail.example", "AAAA"): (HERE6,),
    ("example", "MX"): ("10 mail.example.",),
    ("3.2.0.192.in-addr.arpa", "PTR"): ("mail.example.",),
    ("3.2.0.192.listed.example", "A"): ("127.0.0.2",),
    ("passes.example", "TXT"): (txt("v=spf1 ip4:192.0.2.0/24 -all"),),
    ("fails.example", "TXT"): (txt("v=spf1 -all"),),
}


def result(record: str, address: str = HERE) -> Outcome:
    def ask(name: str, kind: str, /) -> Answer:
        if name.startswith("silent."):
            return Unasked("does not answer")
        records = (txt(record),) if (name, kind) == ("example", "TXT") else ZONE.get((name, kind))
        return Found(records) if records else Absent(exists=False)

    return evaluate(ask, ip_address(address), "example")


@pytest.mark.parametrize(
    ("record", "address", "expected"),
    [
        ("v=spf1 mx -all", HERE, "pass"),
        ("v=spf1 mx -all", HERE6, "pass"),
        ("v=spf1 mx -all", OTHER, "fail"),
        ("v=spf1 mx ~all", OTHER, "softfail"),
        ("v=spf1 mx ?all", OTHER, "neutral"),
        ("v=spf1 mx", OTHER, "neutral"),
        ("v=spf1 a:mail.example/24 -all", "192.0.2.77", "pass"),
        ("v=spf1 a:mail.example//64 -all", "2001:db8::77", "pass"),
        ("v=spf1 ip6:2001:db8::/32 -all", HERE6, "pass"),
        ("v=spf1 ptr:mail.example -all", HERE, "pass"),
        ("v=spf1 exists:%{ir}.listed.example -all", HERE, "pass"),
        ("v=spf1 include:passes.example -all", HERE, "pass"),
        ("v=spf1 include:fails.example ?all", HERE, "neutral"),
        ("v=spf1 redirect=passes.example", HERE, "pass"),
        ("v=spf1 -all redirect=passes.example", HERE, "fail"),
        ("v=spf1 exp=why.example -all", HERE, "fail"),
        ("v=spf1 include:nobody.example -all", HERE, "permerror"),
        ("v=spf1 redirect=nobody.example", HERE, "permerror"),
        ("v=spf1 ipv4:192.0.2.3 -all", HERE, "permerror"),
        ("v=spf1 ip4:mail.example -all", HERE, "permerror"),
        ("v=spf1 include -all", HERE, "permerror"),
        ("v=spf1 a:silent.example -all", HERE, "temperror"),
        ("v=spf10 -all", HERE, "none"),
    ],
)
def test_a_record_has_the_result_that_receivers_find(record: str, address: str, expected: str) -> None:
    assert result(record, address).result == expected


def test_ten_look_ups_are_made_and_the_eleventh_is_an_error() -> None:
    many = " ".join(["mx"] * 10)
    assert (result(f"v=spf1 {many} -all", OTHER).result, result(f"v=spf1 {many} -all", OTHER).lookups) == (
        Result.FAIL,
        10,
    )
    assert result(f"v=spf1 {many} a:mail.example -all", OTHER).result is Result.PERMERROR


def test_two_look_ups_in_vain_are_made_and_the_third_is_an_error() -> None:
    assert result("v=spf1 a:x.example a:y.example -all", OTHER).result is Result.FAIL
    assert result("v=spf1 a:x.example a:y.example a:z.example -all", OTHER).result is Result.PERMERROR


@pytest.mark.parametrize(
    ("text", "name"),
    [  # RFC 7208 7.4
        ("%{d}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l-}", "strong.bad"),
        ("%{lr-}", "bad.strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
    ],
)
def test_macros_are_expanded_as_in_the_rfc(text: str, name: str) -> None:
    assert expanded(text, HERE, "strong-bad@email.example.com", "email.example.com") == name


@pytest.mark.parametrize(
    "term", ["a/33", "mx/-1", "a//129", "a:mail.example/x", "mx//\N{ARABIC-INDIC DIGIT ONE}", "a/" + "9" * 5000]
)
@pytest.mark.parametrize("address", [HERE, HERE6])
def test_a_length_that_no_network_has_is_a_broken_record(term: str, address: str) -> None:
    assert result(f"v=spf1 {term} -all", address).result == "permerror"
