"""Names, local parts and sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailnix.model import names


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("Example.ORG.", "example.org"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
        ("例え.jp", "xn--r8jz45g.jp"),
        ("straße.de", "xn--strae-oqa.de"),
    ],
)
def test_a_name_is_stored_as_lower_case_a_labels(given: str, stored: str) -> None:
    assert names.to_ascii(given) == stored


def test_an_a_label_is_shown_to_people_as_unicode() -> None:
    assert names.to_unicode("xn--mnchen-3ya.de") == "münchen.de"


@pytest.mark.parametrize(
    "name", ["example.org", "a.b.c.d.example.org", "xn--mnchen-3ya.de", "1and1.com", "a" * 63 + ".org"]
)
def test_a_domain_that_mail_can_be_sent_to_has_no_problem(name: str) -> None:
    assert names.domain_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "org",
        "-a.org",
        "a-.org",
        "a..org",
        ".org",
        "a.org.",
        "a b.org",
        "192.0.2.1",
        "a_b.org/",
        "_dmarc.example.org",
        "xn--a.org",
        "xn--zzzzzzzz99999.org",
        "ex\nample.org",
        "a" * 64 + ".org",
        ".".join(["abcdefgh"] * 30),
        None,
        5,
        b"x.org",
    ],
)
def test_what_is_no_domain_has_a_problem(name: object) -> None:
    assert names.domain_problem(name)


def test_a_mail_host_needs_two_dots() -> None:
    assert "two dots" in (names.host_problem("example.org") or "")
    assert names.host_problem("mail.example.org") is None


@pytest.mark.parametrize("local", ["alice", "a.b", "o'neil", "x" * 64, "a-b_c", "!#$%&'*/=?^_`{|}~-"])
def test_a_local_part_without_quotes_is_allowed(local: str) -> None:
    assert names.local_part_problem(local) is None


@pytest.mark.parametrize(
    "local", ["", ".a", "a.", "a..b", "a b", "a@b.org", "a+b", "jürgen", '"a"', "x" * 65, "a\n", "a,b", None, 7]
)
def test_a_local_part_that_rfc_5321_or_mailcow_refuses_has_a_problem(local: object) -> None:
    assert names.local_part_problem(local)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2 GiB", 2 * 2**30),
        ("500M", 500 * 2**20),
        ("1.5g", 3 * 2**29),
        ("1024", 1024),
        (7, 7),
        ("1 TiB", 2**40),
        ("3kb", 3072),
    ],
)
def test_a_size_counts_in_powers_of_1024(text: str | int, size: int) -> None:
    assert names.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "lots", "-1", "2 GiBs", "1e3", "GiB", -1, True, "9" * 400, "99999999 TiB"])
def test_what_is_no_size_is_refused(text: str | int) -> None:
    with pytest.raises(ValueError, match=r"."):
        names.parse_size(text)


@given(st.text())
def test_no_text_makes_a_name_check_raise(text: str) -> None:
    names.domain_problem(names.to_ascii(text))
    names.host_problem(names.to_ascii(text))
    names.local_part_problem(text)
    names.machine_problem(text)
