"""`mailnix doctor` says what is not well, what has changed, and ends with a status that says how bad it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mailnix.cli.examining import Examining
from mailnix.doctor.registry import groups
from rig.refusing import refusing
from tests.cli.conftest import Run
from tests.descriptions import PUBLIC4


@pytest.fixture(scope="module")
def nobody() -> Iterator[str]:
    with refusing() as address:
        yield address


def test_what_cannot_be_asked_is_told_with_what_to_do_and_status_3(mailnix: Run, config: Path, nobody: str) -> None:
    said = mailnix("doctor", config, "--only", "dns.mx", "--resolver", nobody)
    assert said.status == 3
    assert said.out.startswith("could not ask: dns.mx: example.org MX\n    127.0.0.1:")
    assert "answers REFUSED" in said.out
    assert "→" in said.out
    assert said.out.endswith("1 could not be asked\n")
    assert said.err == "looking at dns\n"


def test_a_machine_that_is_not_described_is_refused_with_those_that_are(mailnix: Run, config: Path) -> None:
    said = mailnix("doctor", config, "--only", "proxy", "--to", "nohost=root@192.0.2.1")
    assert (said.status, said.out) == (3, "")
    assert said.err == "mailnix: no machine is called 'nohost'\n  there is proxy, internal\n"


def test_authorities_that_are_not_there_are_told_before_anything_is_asked(mailnix: Run, config: Path) -> None:
    said = mailnix("doctor", config, "--only", "outside.certificate", "--authorities", "nowhere.pem")
    assert (said.status, said.out) == (3, "")
    assert "File 'nowhere.pem' does not exist" in said.err


def test_programs_read_every_finding(mailnix: Run, config: Path, nobody: str) -> None:
    said = mailnix("doctor", config, "--only", "dns.mx", "--resolver", nobody, "--json")
    assert (said.status, said.json["state"], said.json["error"]) == (3, "unasked", "")
    (finding,) = said.json["findings"]
    assert set(finding) == {"id", "subject", "vantage", "severity", "answer", "evidence", "advice"}
    assert (finding["id"], finding["answer"], finding["severity"]) == ("dns.mx", "could not ask", "failure")


def test_only_what_has_changed_is_printed(mailnix: Run, config: Path, tmp_path: Path, nobody: str) -> None:
    state = tmp_path / "state.json"
    words = ("doctor", config, "--only", "dns.mx", "--resolver", nobody, "--changes", "--state", state)
    first, second, third = (mailnix(*words) for _ in range(3))
    assert (first.out, third.out) == ("", "")
    assert second.out.startswith("could not ask: dns.mx")
    assert {each.status for each in (first, second, third)} == {3}


def test_a_check_that_is_not_there_is_answered_with_the_nearest(mailnix: Run, config: Path) -> None:
    said = mailnix("doctor", config, "--only", "dns.mxx")
    assert said.status == 3
    assert "did you mean dns.mx?" in said.err


def test_a_description_that_cannot_be_read_is_no_warning(mailnix: Run, config: Path) -> None:
    config.write_text(config.read_text().replace(PUBLIC4, "10.0.0.1"))
    said = mailnix("doctor", config, "--json")
    assert said.status == 3
    assert "10.0.0.1" in said.json["error"]
    assert said.json["findings"] == []


@pytest.mark.parametrize("words", [(), ("--nonsense",), ("--to", "home"), ("--only",)])
def test_wrong_usage_is_no_failure_of_a_machine(mailnix: Run, config: Path, words: tuple[str, ...]) -> None:
    said = mailnix("doctor", *((config, *words) if words else ()))
    assert (said.status, said.out) == (3, "")
    assert "Error: " in said.err


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--nonsense", "doctor"), 3),
        (("--nonsense=x", "doctor"), 3),
        (("--nonsense", "doctor", "--changes", "--notify"), 4),
        (("dns", "--nonsense", "diff"), 3),
        (("--nonsense", "dns", "diff"), 3),
        (("--nonsense", "dns"), 2),
        (("--nonsense", "check"), 2),
        (("secrets", "--nonsense", "doctor"), 2),
    ],
)
def test_wrong_usage_before_the_verb_is_no_failure_of_a_machine(
    mailnix: Run, config: Path, words: tuple[str, ...], status: int
) -> None:
    said = mailnix(*words, config)
    assert (said.status, said.out) == (status, "")
    assert "Error: " in said.err


@click.command(cls=Examining)
@click.option("--notify", is_flag=True)
def broken(notify: bool) -> float:
    """A verb with a bug."""
    return 1 / (not notify) / 0


@pytest.mark.parametrize(("words", "status"), [((), 3), (("--notify",), 4)])
def test_a_bug_is_no_warning_and_shows_where_it_is(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], status: int
) -> None:
    assert broken.main(words, standalone_mode=False) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback (most recent call last)" in err
    assert "return 1 / (not notify) / 0" in err
    assert "that is a bug of mailnix" in err


def test_a_file_that_is_not_there_is_no_warning(mailnix: Run, config: Path, tmp_path: Path) -> None:
    tmp_path.joinpath("busy").touch()
    state = tmp_path / "busy" / "state.json"
    said = mailnix("doctor", config, "--only", "dns.mx", "--resolver", "127.0.0.1:1", "--changes", "--state", state)
    assert (said.status, said.out) == (3, "")
    assert str(state) in said.err


def test_the_help_names_a_group_that_there_is(mailnix: Run) -> None:
    said = mailnix("doctor", "--help")
    assert "A group (dns) or a check (dns.mx)" in said.out
    assert "dns" in [group.name for group in groups()]


@pytest.mark.parametrize(
    "words",
    [
        ("--mail-to", "nobody"),
        ("--mail-to", "@example.net"),
        ("--mail-to", "-f@example.net"),
        ("--mail-to", "you@example.net", "--mail-from", "alice"),
        ("--mail-from", "alice@example.org"),
        ("--mail-answers",),
    ],
)
def test_what_is_no_address_gets_no_mail(mailnix: Run, config: Path, words: tuple[str, ...]) -> None:
    said = mailnix("doctor", config, "--only", "e2e", *words)
    assert said.status == 3
    assert "--mail-to ADDRESS" in said.err or "is no mail address" in said.err


def test_a_mail_is_sent_only_where_an_address_is_named(mailnix: Run, config: Path) -> None:
    said = mailnix("doctor", config, "--only", "e2e")
    assert said.status == 3
    assert "say where to, with --mail-to ADDRESS" in said.err


def test_a_word_that_is_no_check_is_answered_with_every_group(mailnix: Run, config: Path) -> None:
    said = mailnix("doctor", config, "--only", "bananas")
    assert said.status == 3
    assert "groups are dns, proxy, internal, outside, and with --mail-to e2e" in said.err


def test_a_mail_that_cannot_be_handed_over_is_told_so(mailnix: Run, config: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "ssh_config"
    nowhere.write_text("Host *\n  ProxyCommand false\n")
    words = ("--mail-to", "you@example.net", "--only", "e2e.out", "--ssh-config", nowhere, "--to", "internal=root@home")
    said = mailnix("doctor", config, *words)
    assert said.status == 3
    assert said.out.startswith("could not ask: e2e.out: alice@example.org to you@example.net")


@pytest.fixture
def sendmail(tmp_path: Path) -> Path:
    """A program that takes mail as sendmail(8) does, a mail a file; where its folder has `busy`, it takes none."""
    file = tmp_path / "sendmail"
    file.write_text('#!/bin/sh\ncd "${0%/*}" || exit\n[ ! -e busy ] || exit 75\ncat >"$(date +%s%N).eml"\n')
    file.chmod(0o755)
    return file


def test_who_is_to_be_notified_gets_a_mail_of_what_is_printed(
    mailnix: Run, config: Path, tmp_path: Path, nobody: str, sendmail: Path
) -> None:
    words = ("doctor", config, "--only", "dns.mx", "--resolver", nobody, "--changes", "--state", tmp_path / "state")
    notify = ("--notify-to", "you@example.net", "--notify-by", sendmail)
    assert mailnix(*words, *notify).status == 3
    assert list(tmp_path.glob("*.eml")) == [], "one answer that is lost is no news"
    (tmp_path / "busy").touch()
    untold = mailnix(*words, *notify)
    assert (untold.status, list(tmp_path.glob("*.eml"))) == (4, [])
    assert untold.out.startswith("could not ask: dns.mx")
    assert f"the next run tries again: {sendmail} failed with status 75" in untold.err
    (tmp_path / "busy").unlink()
    assert mailnix(*words, *notify).status == 3
    (mail,) = tmp_path.glob("*.eml")
    text = mail.read_text()
    assert "Subject: [mail.example.org] 1 could not be asked\n" in text
    assert f"mailnix doctor {config} --resolver {nobody}\n" in text.replace("=\n", "")
    assert mailnix(*words, *notify).out == ""
    assert list(tmp_path.glob("*.eml")) == [mail], "nothing has changed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--notify",), "add --changes"),
        (("--notify-to", "you@example.net"), "add --changes"),
        (("--changes", "--notify-by", "sendmail"), "say whom to notify"),
        (("--changes", "--notify-to", "you"), "is no mail address"),
        (("--changes", "--notify-to", "a@example.net, b@example.net"), "is no mail address"),
        (("--changes", "--notify", "--notify-by", "smtps://mail.example.org"), "is what is watched"),
        (("--changes", "--notify", "--notify-by", "smtps://me:secret@example.net"), "a password on the command line"),
    ],
)
def test_a_notice_that_could_reach_nobody_is_refused_before_anything_is_asked(
    mailnix: Run, config: Path, words: tuple[str, ...], said: str
) -> None:
    done = mailnix("doctor", config, "--only", "dns.mx", *words)
    assert (done.status, done.out) == (4, "")
    assert said in done.err
    assert "looking at" not in done.err


@pytest.mark.parametrize("damage", ["open", "empty", "missing", "folder"])
def test_a_password_that_cannot_be_read_is_no_answer(mailnix: Run, config: Path, tmp_path: Path, damage: str) -> None:
    file = tmp_path / "password"
    if damage == "folder":
        file.mkdir()
    elif damage != "missing":
        file.touch(0o644 if damage == "open" else 0o600)
    by = ("--notify", "--notify-by", "smtps://me@example.net", "--notify-password", file)
    done = mailnix("doctor", config, "--only", "dns.mx", "--changes", *by)
    assert (done.status, done.out) == (4, "")
    assert str(file) in done.err


@pytest.mark.parametrize(
    "damage", [b'{"version": 1, "kn', b"\xff", b"[" * 100_000, b'{"version": 1, "known": [[1]]}', None]
)
def test_a_state_that_cannot_be_read_is_no_answer_and_stays(
    mailnix: Run, config: Path, tmp_path: Path, sendmail: Path, damage: bytes | None
) -> None:
    state = tmp_path / "state.json"
    if damage is None:
        state.mkdir()
    else:
        state.write_bytes(damage)
    words = ("doctor", config, "--only", "dns.mx", "--changes", "--state", state)
    done = mailnix(*words, "--notify", "--notify-by", sendmail)
    assert (done.status, done.out) == (4, "")
    assert (str(state) in done.err, "--state FILE" in done.err) == (True, True)
    assert mailnix(*words).status == 3, "nobody is to be notified"
    assert damage is None or state.read_bytes() == damage


@pytest.mark.parametrize("words", [("--nonsense",), ("--only", "dns.mxx"), ("--to", "nohost=root@192.0.2.1")])
def test_what_cannot_be_looked_at_leaves_nobody_thinking_that_all_is_well(
    mailnix: Run, config: Path, sendmail: Path, words: tuple[str, ...]
) -> None:
    notify = ("--changes", "--notify", "--notify-by", sendmail)
    assert mailnix("doctor", config, *notify, *words).status == 4
    config.write_text("")
    assert mailnix("doctor", config, *notify).status == 4
