"""A damaged credential is named, and never shown."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from mailnix import secrets
from mailnix.errors import SecretsError
from mailnix.plan import Plan
from mailnix.secrets.damage import damaged

KEY = "TUlJRXZRSUJBREFOQmdrcWhraUc5dzBCQVFFRkFBU0NC"
PEM = f"-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n"
WIREGUARD = ("proxy/network.wireguard.private.wg0", "proxy/network.wireguard.preshared.wg0")
COPY = "internal/network.wireguard.public.wg-proxy"
BUNDLES = ("internal/mailcow.dkim", "internal/mailcow.mailboxes")
WORDS = ("proxy/haraka.internalcmd", "internal/mailcow.dbpass", "internal/mailcow.sogo-key", "internal/mailcow.api-key")


def test_a_sound_folder_has_nothing_damaged(plan: Plan, folder: Path) -> None:
    assert list(damaged(plan, folder)) == []


def test_what_is_missing_is_not_damaged(plan: Plan, folder: Path) -> None:
    (folder / BUNDLES[0]).unlink()
    (folder / "public.json").unlink()
    assert list(damaged(plan, folder)) == []
    assert list(damaged(plan, folder / "nowhere")) == []


@pytest.mark.parametrize("name", [*WIREGUARD, COPY, *BUNDLES, *WORDS])
@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\x00\xfe", PEM.encode()])
def test_what_is_empty_or_of_another_kind_is_damaged(plan: Plan, folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    (problem,) = damaged(plan, folder)
    assert problem.path == str(folder / name)
    assert problem.message.startswith("is damaged: ")
    assert "mailnix secrets " in problem.hint
    assert KEY not in f"{problem} {problem.hint}"


@pytest.mark.parametrize("name", [*WIREGUARD, COPY, *BUNDLES])
def test_what_is_cut_off_is_damaged(plan: Plan, folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    (problem,) = damaged(plan, folder)
    assert problem.path == str(folder / name)


def test_a_folder_in_place_of_a_credential_is_damage(plan: Plan, folder: Path) -> None:
    (folder / WORDS[0]).unlink()
    (folder / WORDS[0]).mkdir()
    (problem,) = damaged(plan, folder)
    assert problem.message == "is damaged: it is not a file"


def test_a_pipe_in_place_of_a_credential_holds_nobody_up(plan: Plan, folder: Path) -> None:
    (folder / WORDS[0]).unlink()
    os.mkfifo(folder / WORDS[0])
    (problem,) = damaged(plan, folder)
    assert problem.message == "is damaged: it is not a file"


def test_bundles_that_were_swapped_are_both_damaged(plan: Plan, folder: Path) -> None:
    one, other = (folder / name for name in BUNDLES)
    keys, passwords = one.read_bytes(), other.read_bytes()
    one.write_bytes(passwords)
    other.write_bytes(keys)
    assert {problem.path for problem in damaged(plan, folder)} == {str(one), str(other)}


def test_a_dkim_key_that_is_cut_off_within_a_whole_bundle_is_damaged(plan: Plan, folder: Path) -> None:
    file = folder / BUNDLES[0]
    bundle = json.loads(file.read_text())
    lines = bundle["example.org"]["private_key"].splitlines()
    bundle["example.org"]["private_key"] = "\n".join([*lines[:5], lines[-1]])
    file.write_text(json.dumps(bundle))
    (problem,) = damaged(plan, folder)
    assert "cut off" in problem.message


@pytest.mark.parametrize("word", ["correct horse battery staple", "hunter2-hunter2\n", "žluťoučký kůň"])
def test_a_password_of_ones_own_is_sound(plan: Plan, folder: Path, word: str) -> None:
    (folder / "internal/mailcow.dbpass").write_text(word)
    assert list(damaged(plan, folder)) == []


@pytest.mark.parametrize("name", [WIREGUARD[1], *WORDS])
def test_making_and_handing_over_refuse_what_is_damaged(plan: Plan, folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    said = rf"{re.escape(name)} in the secrets folder is damaged: it is empty"
    with pytest.raises(SecretsError, match=said):
        secrets.init(plan, folder)
    with pytest.raises(SecretsError, match=said):
        secrets.seed(plan, name.partition("/")[0], folder, folder / "seed.img", make_disk=lambda *_: None)
    assert (folder / name).read_bytes() == b""


@pytest.mark.parametrize("name", [*WIREGUARD, *BUNDLES, *WORDS])
def test_the_remedy_that_is_named_mends(plan: Plan, folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    secrets.rotate(plan, folder, [name])
    assert list(damaged(plan, folder)) == []


def test_a_damaged_copy_is_made_again_by_init(plan: Plan, folder: Path) -> None:
    (folder / COPY).write_bytes(b"")
    (problem,) = damaged(plan, folder)
    assert problem.hint.endswith("mailnix secrets init CONFIG")
    secrets.init(plan, folder)
    assert list(damaged(plan, folder)) == []


@pytest.mark.parametrize("damaged_one", ["internal/mailcow.dbpass", "internal/mailcow.mailboxes"])
def test_rotating_changes_nothing_where_another_credential_is_damaged(
    plan: Plan, folder: Path, damaged_one: str
) -> None:
    (folder / damaged_one).write_bytes(b"")
    before = (folder / WIREGUARD[0]).read_bytes()
    with pytest.raises(SecretsError, match=re.escape(damaged_one)):
        secrets.rotate(plan, folder, [WIREGUARD[0]])
    assert (folder / WIREGUARD[0]).read_bytes() == before
    secrets.rotate(plan, folder, [WIREGUARD[0], damaged_one])
    assert list(damaged(plan, folder)) == []
