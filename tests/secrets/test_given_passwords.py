"""Passwords that the description gives: as a hash, in a file of the secrets folder, or for single programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from mailnix import Domain, Mailbox, secrets
from mailnix.errors import SecretsError
from mailnix.plan import Plan, derive
from mailnix.secrets.folder import Folder

HASH = "{BLF-CRYPT}$2y$10$" + "abcdefghijklmnopqrstu" + "v" * 32
CUT_OFF = "{BLF-CRYPT}$2y$10$abcdefghijklmnopqrstuu"


def with_alice(plan: Plan, mailbox: Mailbox) -> Plan:
    return derive(evolve(plan.topology, domains=[Domain("example.org", [mailbox, "bob"]), *plan.topology.domains[1:]]))


def passwords(plan: Plan, folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / plan.internal.name / "mailcow.mailboxes").read_text())
    return found


def keep(folder: Path, name: str, text: str, mode: int = 0o600) -> None:
    file = folder / name
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)


def test_a_hash_is_the_password_and_takes_the_place_of_another(plan: Plan, folder: Path) -> None:
    given = with_alice(plan, Mailbox("alice", password_hash=HASH))
    secrets.init(given, folder)
    before = passwords(given, folder)
    assert before["alice@example.org"] == HASH
    assert secrets.init(given, folder).made == ()
    assert passwords(given, folder) == before


def test_a_file_has_the_password_on_one_line(plan: Plan, folder: Path) -> None:
    keep(folder, "passwords/alice", "correct horse\n")
    given = with_alice(plan, Mailbox("alice", password_file="passwords/alice"))
    secrets.init(given, folder)
    assert passwords(given, folder)["alice@example.org"] == "correct horse"
    keep(folder, "passwords/alice", HASH)
    (made,) = secrets.init(given, folder).made
    assert made.entries == ("alice@example.org",)
    assert passwords(given, folder)["alice@example.org"] == HASH


@pytest.mark.parametrize("text", ["two\nlines", "", "short"])
def test_a_file_without_a_password_is_refused(plan: Plan, folder: Path, text: str) -> None:
    keep(folder, "passwords/alice", text)
    with pytest.raises(SecretsError, match="no password"):
        secrets.init(with_alice(plan, Mailbox("alice", password_file="passwords/alice")), folder)


@pytest.mark.parametrize("text", [CUT_OFF, HASH.removeprefix("{BLF-CRYPT}"), f"{{SHA512-CRYPT}}{HASH[11:]}"])
def test_a_file_with_a_hash_that_opens_nothing_is_refused_and_not_repeated(plan: Plan, folder: Path, text: str) -> None:
    keep(folder, "passwords/alice", text)
    with pytest.raises(SecretsError, match="hash") as raised:
        secrets.init(with_alice(plan, Mailbox("alice", password_file="passwords/alice")), folder)
    assert "abcdefg" not in f"{raised.value} {raised.value.hint}"


@pytest.mark.parametrize("text", ["$2pac4ever", "{curly} horse", "$6$shooter", "{PLAIN"])
def test_a_password_may_look_a_little_like_a_hash(plan: Plan, folder: Path, text: str) -> None:
    keep(folder, "passwords/alice", text)
    given = with_alice(plan, Mailbox("alice", password_file="passwords/alice"))
    secrets.init(given, folder)
    assert passwords(given, folder)["alice@example.org"] == text


def test_a_file_that_is_missing_or_open_to_others_is_refused(plan: Plan, folder: Path) -> None:
    given = with_alice(plan, Mailbox("alice", password_file="passwords/alice"))
    with pytest.raises(SecretsError, match="passwords/alice does not exist"):
        secrets.init(given, folder)
    keep(folder, "passwords/alice", "correct horse", 0o644)
    with pytest.raises(SecretsError, match="open to others"):
        secrets.init(given, folder)


def test_app_passwords_are_made_and_rotated_one_by_one(plan: Plan, folder: Path) -> None:
    given = with_alice(plan, Mailbox("alice", app_passwords=["Phone", "scanner"]))
    secrets.init(given, folder)
    before = passwords(given, folder)
    secrets.rotate(given, folder, ["mailcow.mailboxes:alice@example.org/phone"])
    after = passwords(given, folder)
    assert {name for name in after if after[name] != before[name]} == {"alice@example.org/phone"}


def test_a_password_in_a_folder_of_a_folder_counts_among_what_is_kept(plan: Plan, folder: Path) -> None:
    (folder / "passwords").mkdir(mode=0o700)
    keep(folder, "passwords/team/alice", "first")
    before = Folder(folder).fingerprint()
    keep(folder, "passwords/team/alice", "second")
    assert Folder(folder).fingerprint() != before
