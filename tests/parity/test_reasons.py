"""The list of differences can be read, and says why in each entry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.parity.compare import ANY, NOTHING, THERE, Difference, Reason
from tests.parity.reasons import reasons

ENTRY = """
[[difference]]
kind = "unit"
key = 'caddy\\.service Restart'
why = "a test's"
"""


EXACT = ("account", "file", "unit")
"""Kinds in which a value that is wrong may open a machine: an entry says which it explains."""
WRONG = ("made up", "yes", "0777", "root", "/", "STORE down", "folder 0777 root:root", "file 0644 nobody:nogroup")
# What somebody may do to our modules: the machine, what of it, what Debian's says, what NixOS's would.
FAULTS = (
    ("proxy", "file", "/run/haraka-in-tls/key.pem", NOTHING, "file 0644 root:haraka-in"),
    ("proxy", "file", "/var/lib/haraka-in", NOTHING, "folder 0777 haraka-in:haraka-in"),
    ("proxy", "file", "/run/haraka-in/config/internalcmd_key", "file 0600 haraka-in:haraka-in", "file 0444 root:root"),
    ("proxy", "unit", "haraka-out.service StateDirectoryMode", "0700", "0777"),
    ("proxy", "unit", "haraka-in.service StateDirectoryMode", "0755", "0777"),
    ("proxy", "unit", "haraka-in.service ReadWritePaths", NOTHING, "/"),
    ("proxy", "unit", "haraka-in.service After", "basic.target mailnix-credentials.service", "basic.target"),
    ("proxy", "unit", "haraka-in-tls.path Triggers", "haraka-in-tls.service", NOTHING),
    ("proxy", "unit", "haraka-in-tls.path", THERE, NOTHING),
    ("proxy", "unit", "unbound.service User", NOTHING, "root"),
    ("proxy", "unit", "mailnix-firewall.service ExecReload", "nft -f /etc/mailnix/firewall.nft", NOTHING),
    ("proxy", "unit", "mailnix-firewall.service Before", "network-pre.target shutdown.target", "shutdown.target"),
    ("internal", "unit", "mailcow.service After", "basic.target docker.service", "basic.target"),
    ("internal", "unit", "mailcow.service ExecStart", "docker compose up", "STORE:docker down"),
    ("internal", "unit", "mailcow.service ExecStartPre", "/usr/lib/mailnix/mailcow-setup", "STORE:mailcow-restore"),
    ("internal", "account", "group docker", "no further members", "caddy"),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault[2])
def test_what_is_wrong_has_no_reason(fault: tuple[str, str, str, str, str]) -> None:
    assert [str(reason) for reason in reasons() if reason.explains(Difference(*fault))] == []


@pytest.mark.parametrize("reason", [each for each in reasons() if each.kind in EXACT], ids=lambda reason: reason.key)
def test_an_entry_about_modes_units_and_accounts_says_which_values_it_explains(reason: Reason) -> None:
    if not reason.literal:
        for pattern in (reason.debian, reason.nixos):
            assert [value for value in WRONG if value != pattern and re.fullmatch(pattern, value)] == []


def test_every_entry_says_why() -> None:
    assert all(len(reason.why) > 10 for reason in reasons())


def test_no_entry_explains_whatever_there_is() -> None:
    anything = Difference("proxy", "made up", "made up", "1", "2")
    assert not any(reason.explains(anything) for reason in reasons())


@pytest.mark.parametrize("reason", reasons(), ids=lambda reason: reason.key)
def test_an_entry_names_its_keys_or_its_values(reason: Reason) -> None:
    made_up = (f"{subject} MadeUp" for subject in ("made-up.service", "haraka-in.service", "/etc", "proxy"))
    assert not any(re.fullmatch(reason.key, key) for key in ("MadeUp", *made_up))
    if reason.debian == reason.nixos == ANY:
        assert not re.search(r"(\.|\\[SwW]|\])[*+]", reason.key), (
            "one of all these may differ in a way that is not meant"
        )


def test_an_entry_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "caddy.toml").write_text(ENTRY)
    (reason,) = reasons(tmp_path)
    assert reason.explains(Difference("proxy", "unit", "caddy.service Restart", "no", "always"))


def test_an_entry_with_values_is_a_reason_for_each(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(
        '[[difference]]\nwhy = "a test"\nkind = "unit"\n[difference.values]\n"a B" = ["1", "2"]\n"a C" = ["3", "4"]\n'
    )
    found = reasons(tmp_path)
    assert [reason.explains(Difference("proxy", "unit", "a B", "1", "2")) for reason in found] == [True, False]
    assert [reason.explains(Difference("proxy", "unit", "a C", "3", "4")) for reason in found] == [False, True]
    assert not any(reason.explains(Difference("proxy", "unit", "a B", "1", "4")) for reason in found)


def test_an_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    (tmp_path / "caddy.toml").write_text(ENTRY.replace("why", "whose"))
    with pytest.raises(TypeError, match="whose"):
        reasons(tmp_path)
