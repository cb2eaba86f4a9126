"""A deploy put together from a description."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.deploy.start import Reach, Wish, started
from mailnix.errors import SecretsError
from mailnix.plan import derive
from mailnix.tree import Tree
from tests.descriptions import sound


def no_flake() -> Tree:
    raise AssertionError("no machine of NixOS was asked for")


def test_to_look_at_what_would_be_done_no_credential_need_be_there(tmp_path: Path) -> None:
    said: list[str] = []
    wish = Wish("mail.py", (), 180, dry_run=True)
    with started(derive(sound()), tmp_path / "secrets", wish, Reach(), lambda _: False, said.append, no_flake) as given:
        assert given.credentials("internal") == {}
    assert any("deploying makes what it can" in line for line in said)


def test_to_do_it_each_must_be(tmp_path: Path) -> None:
    wish = Wish("mail.py", (), 180)
    with (
        started(
            derive(sound()), tmp_path / "secrets", wish, Reach(), lambda _: False, lambda _: None, no_flake
        ) as given,
        pytest.raises(SecretsError),
    ):
        given.credentials("internal")


def test_commands_that_are_told_repeat_what_was_typed() -> None:
    reach = Reach({"internal": "root@192.168.1.20"}, Path("ssh config"))
    typed = Wish("mail.py", (), 180, secrets=Path("keys")).typed(reach)
    assert typed == "mail.py --to internal=root@192.168.1.20 --ssh-config 'ssh config' --secrets keys"
    assert Wish("mail.py", (), 180).typed(Reach()) == "mail.py"
