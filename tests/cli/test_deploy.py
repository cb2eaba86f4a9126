"""`mailnix deploy` and `mailnix rollback`: words in, words out; what they do is in tests/deploy."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailnix.cli.changing import told
from mailnix.cli.deployed import show
from mailnix.cli.output import result_json
from mailnix.deploy.commands import Commands
from mailnix.deploy.values import Changes, End, Outcome, Report, Seen, Version
from mailnix.errors import SecretsError
from tests.cli.conftest import CONFIG, Run


@pytest.fixture
def refused(tmp_path: Path) -> Iterator[Path]:
    """An ssh_config(5) by which every machine is this one, at a port that refuses at once."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens
        file = tmp_path / "ssh_config"
        file.write_text(f"Host *\n    HostName 127.0.0.1\n    Port {nobody.getsockname()[1]}\n")
        yield file


@pytest.mark.parametrize("words", [["deploy"], ["rollback", "mail.py"], ["deploy", "mail.py", "--within", "5"]])
def test_words_that_mean_nothing_are_status_2(mailnix: Run, words: list[str]) -> None:
    assert mailnix(*words).status == 2


def test_a_target_is_written_with_its_machine(mailnix: Run, config: Path) -> None:
    said = mailnix("deploy", config, "--to", "root@192.168.1.20")
    assert said.status == 2
    assert "--to HOST=TARGET" in said.err


@pytest.mark.parametrize("verb", ["deploy", "rollback"])
def test_a_machine_that_nobody_described_is_refused_with_those_that_are(mailnix: Run, config: Path, verb: str) -> None:
    said = mailnix(verb, config, "procksy")
    assert (said.status, said.out) == (1, "")
    assert "no machine is called 'procksy'" in said.err
    assert "there is proxy, internal" in said.err
    assert not (config.parent / "secrets").exists()


def test_a_refusal_is_json_too(mailnix: Run, config: Path) -> None:
    said = mailnix("deploy", config, "procksy", "--json")
    assert said.status == 1
    found = json.loads(said.out)
    assert (found["machines"], found["error"]) == ([], "no machine is called 'procksy'")


def test_home_whose_address_only_the_router_knows_is_asked_for(mailnix: Run, config: Path, refused: Path) -> None:
    said = mailnix("deploy", config, "internal", "--ssh-config", refused)
    assert said.status == 1
    assert "connection refused" in said.err
    assert "--to internal=root@ADDRESS" in said.err


def test_first_passwords_are_made_and_said_where(mailnix: Run, config: Path, refused: Path) -> None:
    said = mailnix("deploy", config, "internal", "--ssh-config", refused)
    place = config.parent / "secrets/internal/mailcow.mailboxes"
    assert f"made: initial passwords of every mailbox (alice@example.org): {place}" in said.err
    assert place.is_file()


def test_what_is_wrong_with_credentials_is_mended_in_the_folder_that_was_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def wrong(say: Callable[[str], None]) -> Report:
        say("note: mailnix secrets put CONFIG internal/backup")
        raise SecretsError("one is damaged", "make it anew: mailnix secrets rotate CONFIG internal/key")

    with pytest.raises(SecretsError) as caught:
        told(wrong, Commands("my mail.py", secrets=("--secrets", "keys")), as_json=False)
    assert caught.value.hint == "make it anew: mailnix secrets rotate 'my mail.py' --secrets keys internal/key"
    assert "mailnix secrets put 'my mail.py' --secrets keys internal/backup" in capsys.readouterr().err


def test_a_dry_run_makes_none(mailnix: Run, config: Path, refused: Path) -> None:
    said = mailnix("deploy", config, "internal", "--dry-run", "--ssh-config", refused)
    assert "connection refused" in said.err
    assert not (config.parent / "secrets").exists()


def test_a_sealed_machine_is_built_anew(mailnix: Run, config: Path) -> None:
    config.write_text(CONFIG.replace('ipv4="5.9.100.1"', 'ipv4="5.9.100.1", sealed=True'))
    said = mailnix("deploy", config, "proxy")
    assert "proxy is sealed" in said.err
    assert "mailnix build" in said.err


def test_one_that_nobody_named_is_passed_by(mailnix: Run, config: Path) -> None:
    config.write_text(CONFIG.replace('ipv4="5.9.100.1"', 'ipv4="5.9.100.1", sealed=True'))
    said = mailnix("deploy", config, "--to", "internal=root@nowhere.invalid")
    assert "proxy: sealed, so it stays as it was built" in said.err
    assert "no machine of the name nowhere.invalid" in said.err


def test_a_machine_that_is_not_there_is_said_as_by_secrets_push(mailnix: Run, config: Path) -> None:
    said = mailnix("deploy", config, "proxy", "--to", "proxy=root@nowhere.invalid")
    assert said.status == 1
    assert "there is no machine of the name nowhere.invalid" in said.err
    assert "--to proxy=root@ADDRESS" in said.err


LOGIN = Seen("a login", "", ok=True, said="well")
VERSIONS = (Version("mailnix", "0.1.0", "0.1.0"), Version("Mailcow", "2026-05c", "2026-07a"), Version("Node", "", "24"))
REPORT = Report(
    (
        Outcome("internal", End.CONFIRMED, 2, 3, "its description changed", checks=(LOGIN,), versions=VERSIONS),
        Outcome(
            "proxy", End.PLANNED, None, 1, "its first generation",
            Changes(new=(("caddy", "2.6.2"),), added=("/etc/a",), gone=("/etc/b",), units=(("ssh.service", "reload"),)),
            ("haraka.internalcmd",), versions=(Version("Haraka", "3.3.3", "3.3.4"),),
        ),
    ),
    publish=("example.org. MX 10 mail.example.org.",),
)  # fmt: skip


def test_what_became_of_each_machine_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    show(REPORT, Commands("mail.py"))
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "proxy: its first generation",
        "  add /etc/a",
        "  remove /etc/b",
        "  reload ssh.service",
        "  Haraka 3.3.3 → 3.3.4",
        "  install caddy 2.6.2",
        "  credential haraka.internalcmd",
        "machine   before  now  what became of it  why",
        "internal  2       3    confirmed          its description changed",
        "proxy     -       1    planned            its first generation",
    ]
    assert said.err.splitlines() == [
        "internal: Mailcow 2026-05c → 2026-07a",
        "internal: ok: a login, asked from here: well",
        "DNS, publish: example.org. MX 10 mail.example.org.",
        "DNS: all of it: mailnix dns mail.py",
    ]


def test_what_was_done_to_units_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    units = (("haraka-in.service", "restart"),)
    show(Report((Outcome("proxy", End.CONFIRMED, 1, 2, "changed", Changes(units=units)),)), Commands("mail.py"))
    assert capsys.readouterr().err == "proxy: restart haraka-in.service\n"


def test_a_report_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    result_json(REPORT)
    said = json.loads(capsys.readouterr().out)
    assert said["machines"][0]["end"] == "confirmed"
    assert said["machines"][1]["changes"]["new"] == [["caddy", "2.6.2"]]


def test_versions_of_everything_are_one_table_and_a_restart_is_for_the_owner_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = (Version("openssl", "3.5.1", "3.5.4", debian=True, security=True), Version("linux", "", "6", debian=True))
    proxy = Outcome("proxy", End.AS_DESCRIBED, 1, 1, versions=more, reboot="a package asks for it")
    home = Outcome("internal", End.CONFIRMED, 2, 3, versions=VERSIONS[:2])
    show(Report((home, proxy), upgrade=True), Commands("mail.py"))
    said = capsys.readouterr()
    assert said.out.splitlines()[3:] == [
        "machine   part     before    after     note",
        "internal  mailnix  0.1.0     0.1.0     as it is",
        "internal  Mailcow  2026-05c  2026-07a",
        "proxy     openssl  3.5.1     3.5.4     security",
        "proxy     linux    -         6         Debian",
    ]
    assert said.err.splitlines()[-1] == (
        "proxy: a restart is due: a package asks for it (systemctl reboot, when it suits you)"
    )
