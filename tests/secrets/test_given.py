"""Passwords that somebody else has made, a relay's: put in, never made up, the same on every proxy."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix import Proxy, Relay, secrets
from mailnix.errors import SecretsError
from mailnix.plan import Plan, derive
from mailnix.secrets import Secret
from tests.descriptions import PUBLIC4, sound

NAME = "haraka.relay.smtp.relay.example"
PROXIES = [Proxy("a", PUBLIC4, hostname="mx1.example.org"), Proxy("b", "5.9.100.2", hostname="mx2.example.org")]


@pytest.fixture(scope="module")
def plan() -> Plan:
    relays = [Relay("smtp.relay.example", "u", spf=["a"]), Relay("open.example", domains=["x.example"], spf=["a"])]
    return derive(sound(proxies=PROXIES, relays=relays))


@pytest.fixture(scope="module")
def _made(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("given") / "secrets"
    secrets.init(plan, made)
    return made


def test_it_is_asked_for_and_not_made(plan: Plan, folder: Path) -> None:
    report = secrets.init(plan, folder)
    assert report.notes == (
        f"the password of u at smtp.relay.example is still to be put in: mailnix secrets put CONFIG a/{NAME}",
    )
    assert not list(folder.rglob(NAME))
    assert report.made == ()
    assert report.kept == len(plan.credentials) - len(PROXIES)


def test_a_machine_gets_nothing_until_it_is_put_in(plan: Plan, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SecretsError) as refused:
        secrets.seed(plan, "b", folder, tmp_path / "seed.img", make_disk=lambda *_words: None)
    assert refused.value.message == f"b/{NAME} has not been put in"
    assert refused.value.hint == f"put it in with: mailnix secrets put CONFIG a/{NAME}"


def test_what_is_put_in_is_on_every_proxy_and_stays(plan: Plan, folder: Path) -> None:
    for word in (b"first", b"p\xc3\xa4ss word"):
        report = secrets.put(plan, folder, f"a/{NAME}", Secret(word))
        assert [(folder / host / NAME).read_bytes() for host in "ab"] == [word, word]
    assert sorted(report.notes) == [
        f"{host} runs on what it had until: mailnix secrets push CONFIG {host}" for host in "ab"
    ]
    assert secrets.init(plan, folder).notes == ()
    assert (folder / "a" / NAME).read_bytes() == b"p\xc3\xa4ss word"


def test_what_was_damaged_can_be_put_in_again(plan: Plan, folder: Path) -> None:
    secrets.put(plan, folder, f"a/{NAME}", Secret(b"first"))
    (folder / "a" / NAME).write_bytes(b"")
    with pytest.raises(SecretsError) as refused:
        secrets.init(plan, folder)
    assert refused.value.hint == f"put it in again: mailnix secrets put CONFIG a/{NAME}"
    secrets.put(plan, folder, f"a/{NAME}", Secret(b"second"))
    assert (folder / "b" / NAME).read_bytes() == b"second"


@pytest.mark.parametrize("word", [b"", b"two\nlines", b"\xff", b"a\0b"])
def test_what_is_no_password_is_not_kept(plan: Plan, folder: Path, word: bytes) -> None:
    with pytest.raises(SecretsError, match="that is no password of u at"):
        secrets.put(plan, folder, f"a/{NAME}", Secret(word))
    assert not list(folder.rglob(NAME))


def test_what_mailnix_makes_is_not_put_in_nor_what_others_make_rotated(plan: Plan, folder: Path) -> None:
    with pytest.raises(SecretsError, match="is made by mailnix"):
        secrets.put(plan, folder, "a/haraka.internalcmd", Secret(b"12345678"))
    with pytest.raises(SecretsError, match="follows another credential"):
        secrets.put(plan, folder, f"b/{NAME}", Secret(b"12345678"))
    with pytest.raises(SecretsError, match="is not ours to make"):
        secrets.rotate(plan, folder, [f"a/{NAME}"])


def test_a_lab_makes_one_up(plan: Plan, folder: Path) -> None:
    assert secrets.init(plan, folder, made_up=True).notes == ()
    first, second = ((folder / host / NAME).read_bytes() for host in "ab")
    assert first == second != b""
