"""The script that keeps the key and its certificate, where no authority answers."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from mailnix import Proxy, secrets
from mailnix.doctor.certificates import issuer, matches
from mailnix.errors import CommandFailed
from mailnix.plan import derive
from mailnix.plan.credentials import DANE_KEY
from mailnix.services.dane.values import CERTIFICATE, KEY
from tests.services.conftest import tool, topology
from tests.services.dane.conftest import Keeper


def record(keeper: Keeper) -> str:
    """The TLSA record of the key in use."""
    return f"3 1 1 {secrets.public_keys(keeper.secrets).tlsa['proxy'][0]}"


def test_until_an_authority_has_signed_the_key_is_shown_with_a_certificate_of_its_own(keeper: Keeper) -> None:
    assert "as good to who checks DANE" in keeper.show().stdout
    assert issuer(keeper.served()) == "self-signed"
    assert matches(record(keeper), keeper.served())
    assert keeper.at(KEY).read_bytes() == (keeper.secrets / "proxy" / DANE_KEY).read_bytes()


def test_nobody_else_may_read_the_key_and_no_copy_of_it_is_left(keeper: Keeper) -> None:
    keeper.show()
    assert stat.S_IMODE(keeper.at(KEY).stat().st_mode) == 0o600
    assert [path.name for path in keeper.shown.iterdir() if path.name.startswith(".")] == []


def test_the_copy_of_a_credential_that_is_only_read_can_be_written_again(keeper: Keeper) -> None:
    """systemd lays it with mode 0400, and `renew`, which is not root's, shows it twice."""
    (keeper.secrets / "proxy" / DANE_KEY).chmod(0o400)
    keeper.show()
    assert stat.S_IMODE(keeper.at(KEY).stat().st_mode) == 0o600


def test_nothing_is_written_where_nothing_is_new(keeper: Keeper) -> None:
    keeper.show()
    before = [keeper.at(path).stat().st_ino for path in (KEY, CERTIFICATE)]
    assert keeper.show().stdout == ""
    assert [keeper.at(path).stat().st_ino for path in (KEY, CERTIFICATE)] == before


def test_a_new_key_is_shown_at_once_whatever_certificate_there_is_for_the_old_one(keeper: Keeper) -> None:
    keeper.show()
    (keeper.kept / "cert.pem").write_bytes(keeper.at(CERTIFICATE).read_bytes())
    old = record(keeper)
    secrets.rotate(keeper.plan, keeper.secrets, [DANE_KEY])
    keeper.show()
    assert not matches(old, keeper.served())
    assert matches(record(keeper), keeper.served())


def test_a_certificate_for_a_name_before_is_not_shown(keeper: Keeper, tmp_path: Path) -> None:
    keeper.show()
    proxy = Proxy("proxy", ipv4="203.0.113.10", hostname="mx.example.org")
    renamed = Keeper(derive(topology(proxy, dane=True)), tmp_path / "renamed", made=keeper.secrets)
    (renamed.kept / "cert.pem").write_bytes(keeper.at(CERTIFICATE).read_bytes())
    assert "a self-signed one stands in" in renamed.show().stdout
    assert renamed.served() != keeper.served()
    assert matches(record(keeper), renamed.served())


def test_an_authority_that_does_not_answer_changes_nothing_and_is_a_passing_failure(keeper: Keeper) -> None:
    tool("dehydrated")
    keeper.show()
    before = keeper.served()
    keeper.silence_authority()
    done = keeper.renew(check=False)
    assert done.status == 75
    assert "tried again within the hour" in done.stdout
    assert keeper.served() == before


def test_a_damaged_key_is_no_key_and_the_one_before_stays(keeper: Keeper) -> None:
    keeper.show()
    before = keeper.at(KEY).read_bytes()
    (keeper.secrets / "proxy" / DANE_KEY).write_text("-----BEGIN PRIVATE KEY-----\nMIG\n")
    with pytest.raises(CommandFailed):
        keeper.show()
    assert keeper.at(KEY).read_bytes() == before


@pytest.mark.parametrize("verb", ["show", "renew"])
def test_who_is_told_to_end_leaves_no_copy_of_the_key(keeper: Keeper, verb: str) -> None:
    """Each push restarts both units; a shell that a signal ends runs no `trap … EXIT` (dash)."""
    programs = keeper.folder / "programs"
    programs.mkdir()
    for name in ("cmp", "timeout"):  # the first that the one calls with a copy made, and the other
        (programs / name).write_text("#!/bin/sh\nkill -TERM $PPID\n")
        (programs / name).chmod(0o755)
    keeper.words = ("env", f"PATH={programs}:{os.environ['PATH']}")
    assert getattr(keeper, verb)(check=False).status != 0
    assert [path.name for path in keeper.shown.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("whole", [False, True])
def test_an_account_whose_making_was_interrupted_is_made_anew(keeper: Keeper, *, whole: bool) -> None:
    """The authority never heard of it, and dehydrated would say "already registered" to it for ever."""
    tool("dehydrated")
    keeper.silence_authority()
    account = keeper.kept / "accounts/any/account_key.pem"
    account.parent.mkdir(parents=True)
    account.write_text("")
    if whole:
        shutil.copy(keeper.folder / "client", keeper.kept / "registered")
    keeper.renew(check=False)
    assert account.exists() is whole


@pytest.mark.parametrize(
    ("error", "registrations"), [("accountDoesNotExist", 2), ("rateLimited", 1), ("malformed", 1), ("unauthorized", 1)]
)
def test_only_an_account_that_is_unknown_is_made_anew_and_once_in_an_hour(
    keeper: Keeper, error: str, registrations: int
) -> None:
    """As Let's Encrypt says it: of an URL that it does not know, which is kept with the key."""
    programs, asked = keeper.folder / "programs", keeper.folder / "asked"
    programs.mkdir()
    answer = f'{{"type": "urn:ietf:params:acme:error:{error}", "status": 400}}'
    client = f"#!/bin/sh\necho \"$*\" >>{asked}\ncase $* in *--register*) exit 0 ;; esac\necho '{answer}' >&2\nexit 1\n"
    (programs / "dehydrated").write_text(client)
    (programs / "dehydrated").chmod(0o755)
    keeper.words = ("env", f"PATH={programs}:{os.environ['PATH']}")
    done = keeper.renew(check=False)
    assert done.status == 75
    assert error in done.stderr
    assert asked.read_text().count("--register ") == registrations
