"""Reading by the API: who is asked, who is believed, and what is said where it goes wrong."""

from __future__ import annotations

import json

import pytest

from mailnix.adopt import https
from mailnix.adopt.existing import Row
from mailnix.adopt.https import Get, base_of, getter, key_of
from mailnix.errors import AdoptError
from mailnix.secrets import Secret
from tests.adopt.conftest import KEY, Certificate, Spoken, saying

SECRET = Secret(KEY.encode())


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://mail.example.org", "https://mail.example.org"),
        ("https://mail.example.org/", "https://mail.example.org"),
        ("https://mail.example.org:8443/admin/system?x#y", "https://mail.example.org:8443"),
        ("https://Post.Bücher.example/", "https://post.xn--bcher-kva.example"),
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]:443"),
    ],
)
def test_an_address_is_taken_as_people_paste_it(url: str, base: str) -> None:
    assert base_of(url) == base


@pytest.mark.parametrize(
    "url", ["http://mail.example.org", "https://", "https://me:secret@mail.example.org", "https://x:port", "ftp://x"]
)
def test_an_address_that_would_show_the_key_or_names_nobody_is_refused(url: str) -> None:
    with pytest.raises(AdoptError) as error:
        base_of(url)
    assert "secret" not in error.value.message


def test_a_key_is_taken_with_the_newline_of_its_file_and_nothing_else() -> None:
    assert key_of(f"{KEY}\n") == SECRET
    for text in ("", "a\r\nHost: elsewhere", "a b", "päss"):
        with pytest.raises(AdoptError):
            key_of(text)


def test_it_reads_what_is_there(get: Get, url: str) -> None:
    found = https.read(url, get, "mail.example.org")
    assert (found.version, found.domains, found.further) == ("fake", (), {})


def test_a_certificate_of_nobody_we_know_is_not_believed(url: str) -> None:
    with pytest.raises(AdoptError, match=r"certificate of .* is not trusted") as error:
        getter(url, SECRET)("status/version")
    assert "--ca" in error.value.hint


def test_a_certificate_of_another_name_is_not_believed(url: str, certificate: Certificate) -> None:
    with pytest.raises(AdoptError, match=r"is not trusted: .*localhost"):
        getter(url.replace("127.0.0.1", "localhost"), SECRET, certificate.file)("status/version")


def test_an_authority_that_is_none_is_named(url: str, certificate: Certificate) -> None:
    for file in (certificate.file.with_name("none.pem"), certificate.file.with_name("key.pem")):
        with pytest.raises(AdoptError, match=r"\.pem cannot be used"):
            getter(url, SECRET, file)


def test_a_wrong_key_is_said_with_mailcows_words(url: str, certificate: Certificate) -> None:
    with pytest.raises(AdoptError, match="does not take the API key: authentication failed"):
        getter(url, Secret(b"another"), certificate.file)("status/version")


def test_nobody_there_is_said(url: str, certificate: Certificate) -> None:
    with pytest.raises(AdoptError, match="does not answer: Connection refused"):
        getter("https://127.0.0.1:1", SECRET, certificate.file)("status/version")


@pytest.mark.parametrize(
    ("spoken", "said"),
    [
        (Spoken(200, b""), "with nothing, as Mailcow does where it failed"),
        (Spoken(200, b"<html>hello</html>"), "is no Mailcow: its answer is not JSON"),
        (Spoken(200, b"[" * 100_000), "is no Mailcow: its answer is not JSON"),
        (Spoken(200, b"\xff\xfe"), "is no Mailcow: its answer is not JSON"),
        (Spoken(200, b"[]"), "is no Mailcow$"),
        (Spoken(200, b'{"name": "another program"}'), "is no Mailcow$"),
        (Spoken(200, b'{"type": "error", "msg": ["no", "way\\u001b[31m"]}'), r"refuses status/version: no way \[31m$"),
        (Spoken(403, b"no"), "does not take the API key: 403"),
        (Spoken(404, b""), "has no API of Mailcow"),
        (Spoken(502, b"bad gateway"), "answers with HTTP 502"),
        (
            Spoken(302, b"", "https://elsewhere.example/api/v1/get/status/version"),
            "sends us to https://elsewhere.example$",
        ),
        (Spoken(302, b"", "https://else\x1bwhere.example/"), "sends us to https://else where.example$"),
        (Spoken(302, b"", "https://[else/"), "sends us to elsewhere$"),
    ],
)
def test_what_is_no_answer_of_a_mailcow_is_named(spoken: Spoken, said: str, certificate: Certificate) -> None:
    with saying(spoken, certificate.context) as base, pytest.raises(AdoptError, match=said):
        https.read(base, getter(base, SECRET, certificate.file), "mail.example.org")


def test_a_server_without_tls_gets_no_key(certificate: Certificate) -> None:
    with saying(Spoken(200, b"{}"), None) as base, pytest.raises(AdoptError, match="does not speak HTTPS"):
        getter(base.replace("http:", "https:"), SECRET, certificate.file)("status/version")


def test_rows_of_any_shape_are_read_without_a_fall(get: Get, url: str) -> None:
    """Each list holds what Mailcow never writes."""
    odd: list[object] = [
        1,
        None,
        "x",
        [],
        {},
        {"domain_name": None, "quota": "many", "active": []},
        {"domain_name": {"a": 1}},
    ]

    def lying(path: str) -> object:
        return {"version": 7} if path == "status/version" else odd

    assert len(https.read(url, lying, "mail.example.org").domains) == 3


def test_a_number_that_no_database_holds_is_none() -> None:
    row = Row({"long": "9" * 400, "float": float("inf"), "text": "12", "none": []})
    assert [row.number(name, 7) for name in ("long", "float", "text", "none", "absent")] == [7, 7, 12, 7, 7]


def test_lists_that_a_mailcow_does_not_know_are_none(get: Get, url: str) -> None:
    """The fake Mailcow knows no relay hosts, as an old Mailcow knows no TLS policies."""
    with pytest.raises(https.NotThere):
        get("relayhost/all")
    assert https.read(url, get, "mail.example.org").relayhosts == ()


def test_an_answer_that_fails_half_way_is_not_taken_for_an_empty_list(url: str) -> None:
    def failing(path: str) -> object:
        if path == "filters/all":
            raise AdoptError("nothing")
        return json.loads('{"version": "x"}') if path == "status/version" else []

    with pytest.raises(AdoptError):
        https.read(url, failing, "mail.example.org")
