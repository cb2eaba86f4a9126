"""What ssh says, as one line and a next step; the texts are those of OpenSSH 9.2 and 10.0."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.errors import CommandFailed, SecretsError
from mailnix.secrets.ssh import explain, push_argv
from mailnix.ssh import Way

TARGET = "root@5.9.100.1"
CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Host key for 5.9.100.1 has changed and you have requested strict checking.
Host key verification failed.
"""


def said(text: str, status: int | None = 255, config: Path | None = None) -> SecretsError:
    return explain(CommandFailed(["ssh"], status, text), "proxy", Way(TARGET, config=config))


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (CHANGED, "another host key", "ssh-keygen -R 5.9.100.1"),
        ("No ED25519 host key is known for 5.9.100.1\nHost key verification failed.\n", "not known yet", "console"),
        ("root@5.9.100.1: Permission denied (publickey).\n", "takes none of your SSH keys", "admin_keys"),
        (
            "Received disconnect from 5.9.100.1 port 22:2: Too many authentication failures\n",
            "too many",
            "IdentitiesOnly",
        ),
        ("ssh: connect to host 5.9.100.1 port 22: Connection refused\r\n", "not reached: connection refused", "on"),
        ("ssh: connect to host 5.9.100.1 port 22: Connection timed out\n", "not reached: connection timed out", "on"),
        ("Connection closed by 5.9.100.1 port 22\n", "not reached: connection closed by", "on"),
        ("something else\n", "ssh to root@5.9.100.1 failed: something else", "try"),
        ("", "ssh to root@5.9.100.1 failed", "try"),
    ],
)
def test_a_failure_of_ssh_is_one_sentence_and_a_next_step(text: str, message: str, hint: str) -> None:
    error = said(text)
    assert message in error.message
    assert "\n" not in error.message
    assert hint in error.hint
    assert f"ssh {TARGET} true" in error.hint


def test_a_name_that_nobody_has_is_said_to_be_none() -> None:
    error = said("ssh: Could not resolve hostname nowhere.invalid: Name or service not known\n")
    assert "no machine of the name nowhere.invalid" in error.message
    assert error.hint == "try --to root@ADDRESS"


def test_who_wrote_a_port_learns_how() -> None:
    text = "ssh: Could not resolve hostname 5.9.100.1:2222: Name or service not known\n"
    error = explain(CommandFailed(["ssh"], 255, text), "proxy", Way("root@5.9.100.1:2222"))
    assert error.hint == "a port is written so: --to ssh://root@5.9.100.1:2222"


def test_the_next_step_uses_the_same_ssh_config() -> None:
    assert f"ssh -F /tmp/config {TARGET} true" in said("", config=Path("/tmp/config")).hint


def test_a_machine_without_our_receiver_runs_something_else() -> None:
    error = said("bash: line 1: receive-credentials: command not found\n", 127)
    assert "runs no image of mailnix" in error.message


def test_a_machine_that_refuses_a_credential_is_heard() -> None:
    error = said("mailnix: haraka.internalcmd is not a credential of internal\n", 1)
    assert "haraka.internalcmd is not a credential of internal" in error.message
    assert error.hint == "is it proxy?"


def test_a_push_that_takes_too_long_says_so() -> None:
    assert "did not finish in time" in said("", None).message


def test_another_ssh_config_is_read_where_it_is_named() -> None:
    assert push_argv(Way(TARGET, config=Path("/tmp/config")))[:3] == ("ssh", "-F", "/tmp/config")


HOME = Way("root@10.83.119.2", "root@5.9.100.1")


def test_by_way_of_a_proxy_neither_machine_is_asked_anything() -> None:
    words = push_argv(HOME)
    proxy_command = next(word for word in words if word.startswith("ProxyCommand="))
    assert proxy_command == ("ProxyCommand=ssh -T -o BatchMode=yes -o ConnectTimeout=20 -W '[%h]:%p' -- root@5.9.100.1")
    assert words[-2] == "root@10.83.119.2"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "channel 0: open failed: connect failed: No route to host\nstdio forwarding failed\n",
            "no route",
            "seed disk",
        ),
        ("channel 0: open failed: administratively prohibited: open failed\n", "prohibited", "--to root@ADDRESS"),
        ("Host key verification failed.\nConnection closed by UNKNOWN port 65535\n", "not known yet", "log in once"),
        (CHANGED, "another host key", "ssh-keygen -R 5.9.100.1"),
    ],
)
def test_what_fails_on_the_way_names_the_whole_way(text: str, message: str, hint: str) -> None:
    error = explain(CommandFailed(["ssh"], 255, text), "internal", HOME)
    assert "root@10.83.119.2 by way of root@5.9.100.1" in error.message
    assert message in error.message
    assert hint in error.hint
    assert "ssh -J root@5.9.100.1 root@10.83.119.2 true" in error.hint
