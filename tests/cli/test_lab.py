"""What a lab says, and how its machines are found again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import attrs
import click
import pytest

from mailnix.cli import options
from mailnix.cli.lab.outcomes import outcomes_text
from mailnix.cli.lab.report import advice, on_outcome
from mailnix.cli.lab.summary import show
from mailnix.formats.backend import Backend
from mailnix.lab.nixos.tree import EVAL
from mailnix.lab.prepare import Mailcow, Options
from mailnix.lab.scenario.values import Group, Outcome, Report, Verdict
from mailnix.lab.stages import Stage, Timed
from mailnix.plan import derive
from tests.cli.conftest import Run
from tests.descriptions import sound

GOOD = Outcome("in-4", Group.INBOUND, "a mail arrives", Verdict.PASS, "250 ok", 2.4)
BAD = Outcome("web", Group.WEB, "the page is shown", Verdict.FAIL, "status 502", 1.0)


def test_the_advice_is_commands_that_a_shell_understands() -> None:
    lines = advice(derive(sound()), Path("/tmp/a b")).splitlines()
    commands = [shlex.split(line) for line in lines if line.startswith("  ")]
    assert all(words[:2] == ["mailnix", "lab"] for words in commands)
    assert all("/tmp/a b" in words for words in commands)
    assert [words[5] for words in commands if words[2] == "shell"] == [
        "proxy",
        "internal",
        "internet",
        "internet",
        "internet",
    ]
    mail, page = (words[7] for words in commands if "--" in words)
    assert mail.endswith("alice@example.org")
    compile(shlex.split(page)[2], "page", "exec")


def test_a_failed_check_shows_what_was_seen(capsys: pytest.CaptureFixture[str]) -> None:
    on_outcome(GOOD)
    on_outcome(BAD)
    assert capsys.readouterr().err == "pass: a mail arrives\nfail: the page is shown\n    status 502\n"


def test_the_table_names_the_fake_mailcow_wherever_it_plays(capsys: pytest.CaptureFixture[str]) -> None:
    show(Report((GOOD, BAD), 62.2, 90, 3600), (Timed(Stage.BUILD, 61),), Options(Path("lab")), as_json=False)
    shown, stages = capsys.readouterr()
    assert stages == "   1 min 1 s  building images\n"
    assert "inbound\n  pass    2 s  a mail arrives\n               250 ok\n" in shown
    assert "1 of 2 checks passed, with the fake Mailcow in Mailcow's place\n" in shown
    assert shown.endswith("after 1 min 2 s, all of it was exchanged after 1 min 30 s, everything took 60 min 0 s.\n")
    show(Report((GOOD,), 1, 2, 3), (), Options(Path("lab"), mailcow=Mailcow.REAL), as_json=False)
    assert "fake" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("backend", "nixpkgs", "said"),
    [
        (Backend.DEBIAN, None, "Both machines are Debian."),
        (Backend.DEBIAN, Path("nixpkgs"), "Both machines are Debian."),
        (Backend.NIXOS, None, "Both machines are NixOS, built by nix."),
        (
            Backend.NIXOS,
            Path("nixpkgs"),
            "NixOS's layer of both machines has been built and booted, "
            "with Debian's programs in the place of nixpkgs'.",
        ),
    ],
)
def test_a_report_says_what_the_machines_were(
    backend: Backend, nixpkgs: Path | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(Report((GOOD,), 1, 2, 3), (), Options(Path("lab"), backend=backend, nixpkgs=nixpkgs), as_json=False)
    assert f"\n{said}\n" in capsys.readouterr().out


def test_a_report_for_programs_names_the_machines_in_one_word(capsys: pytest.CaptureFixture[str]) -> None:
    made = Options(Path("lab"), backend=Backend.NIXOS, nixpkgs=Path("nixpkgs"))
    show(Report((GOOD,), 1, 2, 3), (), made, as_json=True)
    assert json.loads(capsys.readouterr().out)["machines"] == "nixos_layer"


def test_what_was_seen_fits_the_terminal_and_what_went_wrong_is_whole() -> None:
    long = "203.0.113.10: 22, 25, 80, 443,\n465 " * 9
    seen, wrong = attrs.evolve(GOOD, evidence=long), attrs.evolve(BAD, evidence=long)
    lines = outcomes_text((seen, wrong), 100).splitlines()
    assert 95 < len(lines[2]) <= 100
    assert lines[2].endswith("…")
    assert "".join(line.strip() for line in lines[5:]) == "".join(line.strip() for line in long.splitlines())
    assert " ".join(long.split()) in outcomes_text((seen,), None)


def test_checks_stand_below_what_they_are_about() -> None:
    lines = outcomes_text((GOOD, GOOD, BAD)).splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["inbound", "web"]


def test_a_lab_folder_without_a_lab_has_no_machine_to_look_at(mailnix: Run, tmp_path: Path) -> None:
    said = mailnix("lab", "shell", "proxy", "--state-dir", tmp_path)
    assert said.status == 1
    assert "no running machine is called 'proxy'" in said.err
    assert mailnix("lab", "stop", "--state-dir", tmp_path).out == "stopped: nothing, none was running\n"


def test_the_former_name_of_the_fake_mailcow_is_still_taken(capsys: pytest.CaptureFixture[str]) -> None:
    taken: list[str] = []
    verb = click.Command("lab", params=[], callback=lambda mailcow: taken.append(mailcow))
    main = options.mailcow(verb)
    main(["--mailcow", "double"], standalone_mode=False)
    assert taken == ["fake"]
    assert "--mailcow fake" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verb", "name"), [(("lab", "run"), "nixpkgs"), (("lab", "run"), "local"), (("build", "--out", "out"), "local")]
)
def test_what_is_for_nixos_is_refused_where_it_would_not_count(mailnix: Run, verb: tuple[str, ...], name: str) -> None:
    said = mailnix(*verb, "mail.py", f"--{name}", ".")
    assert said.status == 2
    assert f"--{name} is for --backend nixos" in said.err


def test_a_nixpkgs_tree_in_the_environment_is_no_mistake(mailnix: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILNIX_NIXPKGS", "/nixpkgs")
    said = mailnix("lab", "run", "/nowhere/mail.py")
    assert "/nowhere/mail.py" in said.err
    assert "is for --backend nixos" not in said.err


def test_an_empty_variable_is_not_taken_for_the_wish_to_have_nix_build(
    mailnix: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILNIX_NIXPKGS", "")
    said = mailnix("lab", "run", "/nowhere/mail.py", "--backend", "nixos")
    assert said.status == 2
    assert "MAILNIX_NIXPKGS is empty" in said.err
    assert mailnix("lab", "run", "/nowhere/mail.py").status == 1  # Debian's machines need none


def test_a_folder_that_is_no_nixpkgs_is_refused_by_the_name_of_who_named_it(
    mailnix: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ("lab", "run", "/nowhere/mail.py", "--backend", "nixos")
    monkeypatch.setenv("MAILNIX_NIXPKGS", "/nonsense")
    assert "MAILNIX_NIXPKGS names /nonsense, which is no nixpkgs tree" in mailnix(*words).err
    said = mailnix(*words, "--nixpkgs", tmp_path)
    assert said.status == 2
    assert f"--nixpkgs names {tmp_path}, which is no nixpkgs tree" in said.err


@pytest.mark.parametrize("given", [(), ("--nixpkgs",)], ids=["nix", "tree"])
def test_how_nixos_machines_are_made_is_said_first(mailnix: Run, tmp_path: Path, given: tuple[str, ...]) -> None:
    tree = tmp_path / "nixpkgs"
    (tree / EVAL).parent.mkdir(parents=True)
    (tree / EVAL).touch()
    said = mailnix("lab", "run", "/nowhere/mail.py", "--backend", "nixos", *given, *([tree] if given else []))
    how = f"NixOS's layer by --nixpkgs, {tree}, with Debian's programs" if given else "images that nix builds"
    assert said.err.startswith(f"NixOS machines: {how}")
    assert "/nowhere/mail.py" in said.err.splitlines()[1]
