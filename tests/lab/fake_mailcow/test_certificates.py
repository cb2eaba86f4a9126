from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mailnix.lab.fake_mailcow.guest.api.certificates import (
    LETS_ENCRYPT,
    STAGING,
    deploy,
    directory,
    names,
    only,
    refusal,
)

WANTED = {"MAILCOW_HOSTNAME": "mail.example.org", "SKIP_IP_CHECK": "y", "ONLY_MAILCOW_HOSTNAME": "y"}
OWN = "issuer=O=mailcow, CN=mail.example.org"


def test_a_certificate_is_got_for_the_host_name() -> None:
    assert refusal(WANTED, OWN) == ""
    assert names(WANTED) == ["mail.example.org"]


def test_more_names_where_they_are_wanted() -> None:
    settings = {**WANTED, "ONLY_MAILCOW_HOSTNAME": "n", "ADDITIONAL_SAN": "imap.example.org, mail.example.org"}
    assert names(settings) == ["mail.example.org", "imap.example.org"]


@pytest.mark.parametrize(
    ("change", "issuer", "words"),
    [
        ({"SKIP_LETS_ENCRYPT": "y"}, OWN, "SKIP_LETS_ENCRYPT"),
        ({"SKIP_IP_CHECK": "n"}, OWN, "SKIP_IP_CHECK=y is needed"),
        ({"ACME_DNS_CHALLENGE": "y"}, OWN, "DNS-01"),
        ({}, "issuer=CN=my own authority", "somebody's own"),
    ],
)
def test_a_certificate_is_left_alone(change: dict[str, str], issuer: str, words: str) -> None:
    assert words in refusal({**WANTED, **change}, issuer)


def test_the_authority_is_lets_encrypt_unless_another_is_named() -> None:
    assert directory(WANTED) == LETS_ENCRYPT
    assert directory({**WANTED, "DIRECTORY_URL": "https://ca.example/dir"}) == "https://ca.example/dir"
    assert directory({**WANTED, "DIRECTORY_URL": "https://ca.example/dir", "LE_STAGING": "y"}) == STAGING


def test_names_are_resolved_to_one_family_for_as_long_as_asked() -> None:
    with only(socket.AF_INET):
        assert {found[0] for found in socket.getaddrinfo("localhost", 80)} == {socket.AF_INET}
    assert socket.getaddrinfo.__name__ == "getaddrinfo"


def test_key_and_chain_are_put_where_the_others_look(tmp_path: Path) -> None:
    for path in ("uacme/private/mail.example.org/key.pem", "uacme/mail.example.org/cert.pem"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(path)
    deploy("mail.example.org", tmp_path)
    assert (tmp_path / "cert.pem").read_text() == "uacme/mail.example.org/cert.pem"
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
