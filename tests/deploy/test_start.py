"""A deploy put together from a description."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from mailnix.cli.deploy import command as deploy
from mailnix.cli.rollback import command as rollback
from mailnix.deploy import deploying
from mailnix.deploy.defaults import WITHIN
from mailnix.deploy.start import Reach, Wish, started
from mailnix.deploy.values import Pending
from mailnix.errors import DeployError, SecretsError
from mailnix.formats.backend import Backend
from mailnix.plan import derive
from mailnix.tree import Tree
from tests.deploy.machines import Stage
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


REACH = Reach({"internal": "root@192.168.1.20"}, Path("ssh config"))
ALL = Wish(
    "mail.py", ("proxy",), 240, upgrade=True, backend=Backend.NIXOS, build_host="builder",
    mailcow_source=Path("tree"), secrets=Path("keys"), local=Path("mine"),
)  # fmt: skip
BOTH = "mail.py --to internal=root@192.168.1.20 --ssh-config 'ssh config' --secrets keys --within 240"


class TestCommandsThatAreTold:
    def test_repeat_each_option_that_their_verb_has(self) -> None:
        told = ALL.commands(REACH)
        assert told.deploy("proxy") == (
            f"mailnix deploy {BOTH} --mailcow-source tree --backend nixos --build-host builder --local mine --upgrade"
            " proxy"
        )
        assert told.rollback("proxy", 3, databases=True) == f"mailnix rollback {BOTH} proxy 3 --databases"
        assert told.dns() == "mailnix dns mail.py --secrets keys"
        assert told.secrets_of("init") == "mailnix secrets init mail.py --secrets keys"
        assert told.build() == (
            "mailnix build mail.py --backend nixos --local mine --mailcow-source tree --secrets keys --out images"
        )

    def test_say_nothing_that_nobody_typed(self) -> None:
        told = Wish("mail.py", (), WITHIN).commands(Reach())
        assert told.deploy() == "mailnix deploy mail.py"
        assert told.rollback("proxy") == "mailnix rollback mail.py proxy"
        assert told.dns() == "mailnix dns mail.py"
        assert told.build() == "mailnix build mail.py --out images"

    def test_look_where_somebody_only_looked_and_take_back_what_waits_all_the_same(self) -> None:
        told = Wish("mail.py", (), WITHIN, dry_run=True).commands(Reach())
        assert told.deploy("proxy") == "mailnix deploy mail.py --dry-run proxy"
        assert told.rollback("proxy") == "mailnix rollback mail.py proxy"

    def test_are_filled_in_where_nobody_knew_what_was_typed(self) -> None:
        said = ALL.commands(REACH).filled("make it with: mailnix secrets init CONFIG")
        assert said == "make it with: mailnix secrets init mail.py --secrets keys"
        assert (
            ALL.commands(REACH).filled("mailnix plan CONFIG: Logins") == "mailnix plan mail.py --secrets keys: Logins"
        )

    def test_are_those_of_options_that_the_verbs_have(self) -> None:
        """What is told is what can be typed."""
        for command, typed in ((deploy, ALL.commands(REACH).deploy("proxy")),
                               (rollback, ALL.commands(REACH).rollback("proxy", 3, databases=True))):  # fmt: skip
            assert command.make_context("it", shlex.split(typed)[2:]).params["within"] == 240


def test_a_hint_of_a_deploy_has_what_was_typed(stage: Stage) -> None:
    stage.commands = ALL.commands(REACH)
    stage.packages.digests = {"internal": "other", "proxy": "other"}
    stage["proxy"].pending = Pending("1", 2, 50, "installed")
    stage["proxy"].due = stage.clock.now() + 500
    with pytest.raises(DeployError) as caught:
        deploying.deploy(stage.deploying())
    assert caught.value.hint.endswith(f"mailnix rollback {BOTH} proxy")
