"""`mailnix init` at a terminal."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from mailnix.config import load
from mailnix.model.check import problems
from mailnix.model.topology import PRIVATE_NETWORKS
from tests.cli.conftest import Run, Said
from tests.descriptions import KEY


class Terminal:
    """Somebody who types these lines."""

    def __init__(self, *lines: str) -> None:
        self.lines = iter(lines)

    def isatty(self) -> bool:
        return True

    def readline(self, _limit: int = -1) -> str:
        return next(self.lines, "") + "\n"


OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFXBXlr1jQ6vz6tcO8l17uROA0nJ9LWrX8lTsFcByP+n other"
BEFORE = ("example.org", "", "5.9.100.1", "", "alice")
"""The answers before those about keys."""


@pytest.fixture
def ssh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The ~/.ssh of whoever types, empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    return tmp_path / ".ssh"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, mailnix: Run, tmp_path: Path, ssh: Path) -> Run:
    def run(*lines: str, options: tuple[str, ...] = ()) -> Said:
        monkeypatch.setattr(sys, "stdin", Terminal(*lines))
        return mailnix("init", tmp_path / "new", *options)

    return run


def test_a_wrong_answer_is_asked_for_again_at_once_and_the_others_are_kept(typed: Run, tmp_path: Path) -> None:
    said = typed(
        "https://example.org/",
        "example.org",
        "",
        "10.0.0.1",
        "5.9.100.1",
        "2a01::xyz",
        "",
        "alice@example.org",
        "alice",
        KEY,
    )
    assert said.status == 0
    assert "is a URL; write only the name in it: example.org" in said.err
    assert "10.0.0.1 is a private address" in said.err
    assert said.err.count("Your mail domain") == 2
    assert said.err.count("First mailboxes") == 2
    topology = load(tmp_path / "new/mail.py")
    assert [problem for problem in problems(topology) if problem.severity == "error"] == []
    assert (topology.hostname, topology.proxies[0].ipv4) == ("mail.example.org", "5.9.100.1")
    assert topology.domains[0].mailboxes[0].local_part == "alice"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("https://example.org", "'https://example.org' is a URL; write only the name in it: example.org"),
        ("me@example.org", "'me@example.org' is a mail address; write only what follows the @: example.org"),
        ("example", "'example' has no dot"),
    ],
)
def test_a_wrong_domain_is_said_of_what_was_typed(typed: Run, wrong: str, said: str) -> None:
    assert f"  {said}\n" in typed(wrong, *BEFORE, KEY).err


def test_a_folder_in_the_place_of_a_key_is_named(typed: Run, ssh: Path) -> None:
    assert f"{ssh} is a folder: name the .pub file in it" in typed(*BEFORE, str(ssh), KEY).err


def test_a_wrong_option_is_said_and_asked_for(typed: Run, tmp_path: Path) -> None:
    said = typed(
        "5.9.100.1", "", "me", KEY, options=("--domain=example.org", "--hostname=mail.example.org", "--proxy-ipv4=x")
    )
    assert said.status == 0
    assert said.err.count("Static public IPv4 address of the proxy") == 1
    assert load(tmp_path / "new/mail.py").proxies[0].ipv4 == "5.9.100.1"


def test_a_name_of_two_things_is_found_when_the_second_is_given(typed: Run) -> None:
    said = typed("example.org", "example.org", "mail.example.org", "5.9.100.1", "", "me", KEY)
    assert said.status == 0
    assert said.err.count("What clients connect to") == 2


def test_a_wrong_key_is_said_and_asked_for_and_nothing_typed_is_lost(typed: Run, tmp_path: Path) -> None:
    said = typed(*BEFORE, KEY, options=("--admin-key=not a key",))
    assert said.status == 0
    assert "'not a key' is not an SSH public key" in said.err
    topology = load(tmp_path / "new/mail.py")
    assert topology.admin_keys == (KEY,)
    assert topology.domains[0].mailboxes[0].local_part == "alice"


def test_a_key_in_the_ssh_folder_is_offered_by_its_file(typed: Run, tmp_path: Path, ssh: Path) -> None:
    (ssh / "id_rsa.pub").write_text("ssh-rsa AAAA damaged\n")
    (ssh / "work.pub").write_text(f"{OTHER}\n")
    (ssh / "id_ed25519.pub").write_text(f"{KEY}\r\n")
    said = typed(*BEFORE)
    assert "on this machine: ~/.ssh/id_ed25519.pub, ~/.ssh/work.pub\n" in said.err
    assert load(tmp_path / "new/mail.py").admin_keys == (KEY,)


def test_several_keys_are_taken_one_after_the_other(typed: Run, tmp_path: Path, ssh: Path) -> None:
    (ssh / "id_ed25519.pub").write_text(f"{KEY}\n")
    typed(*BEFORE, "", OTHER)
    assert load(tmp_path / "new/mail.py").admin_keys == (KEY, OTHER)


def test_who_has_no_key_is_told_how_to_make_one(typed: Run, tmp_path: Path, ssh: Path) -> None:
    (ssh / "id_ed25519").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    said = typed(*BEFORE, "~/.ssh/id_ed25519.pub", "~/.ssh/id_ed25519", KEY)
    assert "ssh-keygen -t ed25519" in said.err
    assert "there is no file ~/.ssh/id_ed25519.pub" in said.err
    assert "is a private key" in said.err
    assert load(tmp_path / "new/mail.py").admin_keys == (KEY,)


def test_nobody_shall_log_in_only_where_that_is_said_outright(typed: Run, tmp_path: Path) -> None:
    said = typed(*BEFORE, "none", "sealed")
    assert 'answer "sealed", alone, if that is meant' in said.err
    topology = load(tmp_path / "new/mail.py")
    assert (topology.admin_keys, topology.proxies[0].sealed, topology.internal.sealed) == ((), True, True)
    assert problems(topology) == ()


@pytest.mark.parametrize(
    ("reach", "lan", "networks", "via_proxy"),
    [
        ("", "", PRIVATE_NETWORKS, False),
        ("both", "", PRIVATE_NETWORKS, True),
        ("proxy", "", (), True),
        ("home", "192.168.1.1/24", ("192.168.1.0/24",), False),
        ("both", "10.0.0.0/16", ("10.0.0.0/16",), True),
        ("proxy", "192.168.1.0/24", (), True),
    ],
)
def test_how_home_is_reached_is_written_down(
    typed: Run, tmp_path: Path, reach: str, lan: str, networks: tuple[str, ...], via_proxy: bool
) -> None:
    assert typed(*BEFORE, KEY, "", reach, lan).status == 0
    topology = load(tmp_path / "new/mail.py")
    assert problems(topology) == ()
    assert (topology.internal.lan_admin_cidrs, topology.internal.ssh_via_proxy) == (networks, via_proxy)
    assert (topology.internal.lan is not None) == bool(lan)


def test_a_wrong_way_and_a_wrong_network_are_asked_for_again(typed: Run, tmp_path: Path) -> None:
    said = typed(*BEFORE, KEY, "", "proxi", "both", "192.168.1.1", "192.168.1.0/33", "192.168.1.0/24")
    assert "'proxi' is none of home, proxy, both" in said.err
    assert said.err.count("write it with its length, such as 192.168.1.0/24") == 2
    assert load(tmp_path / "new/mail.py").internal.lan == "192.168.1.0/24"


def test_the_readme_shows_what_is_asked(typed: Run, tmp_path: Path, ssh: Path) -> None:
    (ssh / "id_ed25519.pub").write_text(f"{KEY}\n")
    shown = (Path(__file__).parents[2] / "README.md").read_text().split("$ mailnix init my-mail\n")[1].split("\n```")[0]
    asked = [re.fullmatch(r"(.*?(?:\]|proxy|domain):)(?: (.*))?", line) for line in shown.splitlines()]
    said = typed(*(match[2] or "" for match in asked if match))
    assert said.status == 0
    position = 0
    for line, match in zip(shown.splitlines(), asked, strict=True):
        position = said.err.index(match[1] if match else line, position)
    assert load(tmp_path / "new/mail.py").internal.ssh_via_proxy
