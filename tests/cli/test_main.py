"""Help, exit statuses, and errors as one clear line."""

from __future__ import annotations

import ast
import os
import signal
import sys
from pathlib import Path

import click
import pytest

import mailnix as package
from mailnix.cli import main
from mailnix.cli.verbs import MAIN_VERBS
from mailnix.cli.verbs import mailnix as group
from mailnix.errors import MailnixError
from mailnix.run import run
from tests.cli.conftest import Run

VERBS = [[name] for name in MAIN_VERBS] + [["secrets", n] for n in ("init", "put", "seed", "push", "rotate")]
VERBS += [["dns", n] for n in ("show", "diff")]
VERBS += [["lab", n] for n in ("run", "shell", "stop")]
FOLDER = Path(package.__file__).parent
# Ourselves, and what runs on machines as a program of its own.
PROGRAMS = (
    "__main__.py",
    "cli/",
    "deploy/guest/",
    "doctor/machines/guest/",
    "services/activation/guest/",
    "services/firewall/guest/",
    "services/generations/guest/",
    "services/mailcow/guest/",
    "services/wireguard/guest/",
    "lab/fake_mailcow/nix.py",
    "lab/fake_mailcow/guest/",
    "lab/places/guest/",
    "lab/internet/guest/",
    "lab/places/guest/",
)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_every_verb(mailnix: Run, words: list[str]) -> None:
    said = mailnix(*words)
    assert said.status == 0
    for verb in ("init", "check", "plan", "emit", "secrets", "build", "dns", "lab"):
        assert f"\n  {verb} " in said.out


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_explains_itself(mailnix: Run, words: list[str]) -> None:
    said = mailnix(*words, "--help")
    assert said.status == 0
    assert said.out.startswith("Usage: mailnix")


def test_the_version_is_told(mailnix: Run) -> None:
    assert mailnix("--version").out == f"mailnix {package.__version__}\n"


@pytest.mark.parametrize(
    "words", [["nonsense"], ["check"], ["check", "a", "b"], ["--nonsense"], ["dns", "x.py", "--format", "xml"]]
)
def test_wrong_usage_ends_with_status_2(mailnix: Run, words: list[str]) -> None:
    said = mailnix(*words)
    assert said.status == 2
    assert said.out == ""
    assert "Usage: mailnix" in said.err


@pytest.mark.parametrize("verb", ["plan", "dns"])
def test_a_missing_description_ends_with_status_1_and_a_next_step(mailnix: Run, tmp_path: Path, verb: str) -> None:
    said = mailnix(verb, tmp_path / "none.py")
    assert said.status == 1
    assert said.out == ""
    assert "there is no such file" in said.err
    assert "mailnix init" in said.err


def raising(error: BaseException) -> click.Command:
    def callback() -> None:
        raise error

    return click.Command("raising", callback=callback)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (MailnixError("no space left", "free some"), 1, "mailnix: no space left\n  free some\n"),
        (PermissionError(13, "Permission denied", "/etc/shadow"), 1, "mailnix: /etc/shadow: Permission denied\n"),
        (OSError(28, "No space left on device"), 1, "mailnix: No space left on device\n"),
        (KeyboardInterrupt(), 130, "\nmailnix: interrupted\n"),
    ],
)
def test_an_error_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, mailnix: Run, error: BaseException, status: int, said: str
) -> None:
    monkeypatch.setattr(type(group), "get_command", lambda *_: raising(error))
    ended = mailnix("raising")
    assert (ended.status, ended.err) == (status, said)


def test_a_reader_that_leaves_early_is_no_error(config: Path) -> None:
    ended = run(
        [
            "sh",
            "-c",
            f"{sys.executable} -c 'from mailnix.cli import main; raise SystemExit(main())' dns {config} | head -n 1",
        ]
    )
    assert ended.stdout == "$TTL 3600\n"
    assert "BrokenPipe" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_each_verb_is_a_small_file() -> None:
    for file in (FOLDER / "cli").rglob("*.py"):
        if file.name not in ("output.py", "tables.py"):
            assert len(file.read_text().splitlines()) <= 70, file


def test_asking_for_help_loads_nothing_heavy() -> None:
    heavy = ("jinja2", "cryptography", "dns", "cattrs", "qemu", "idna", "subprocess", "concurrent.futures", "tarfile")
    code = f"""
import sys
from mailnix.cli import main
for words in (["--help"], ["secrets", "--help"], ["lab", "run", "--help"], ["build", "--help"]):
    main(words)
print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
"""
    assert run([sys.executable, "-c", code]).stderr == "[]\n"


def test_only_the_command_line_catches_and_exits() -> None:
    for file in FOLDER.rglob("*.py"):
        if file.relative_to(FOLDER).as_posix().startswith(PROGRAMS):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sys.exit", "exit", "print"):
                pytest.fail(f"{file}:{node.lineno} {ast.unparse(node)}")


def test_ctrl_c_ends_a_command_with_one_line(tmp_path: Path) -> None:
    """The description waits on a pipe that nobody writes to."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    config = tmp_path / "mail.py"
    config.write_text(f"import os, signal\nos.kill(os.getpid(), {int(signal.SIGINT)})\nopen({str(pipe)!r})\n")
    # A test run that a script started in the background inherits an ignored SIGINT.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heed}; from mailnix.cli import main; raise SystemExit(main())"
    ended = run([sys.executable, "-c", code, "check", config], check=False, timeout=30)
    assert (ended.status, ended.stderr) == (130, "\nmailnix: interrupted\n")


def test_python_m_mailnix_is_the_same_command(tmp_path: Path) -> None:
    ended = run([sys.executable, "-m", "mailnix", "--version"], cwd=tmp_path)
    assert ended.stdout == f"mailnix {package.__version__}\n"
    wrong = run([sys.executable, "-m", "mailnix", "check"], check=False, cwd=tmp_path)
    assert (wrong.status, wrong.stdout) == (2, "")


def test_main_gives_back_a_status_and_never_exits() -> None:
    assert main(["--version"]) == 0
