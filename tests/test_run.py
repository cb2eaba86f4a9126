"""Programs are run to their end, heard, and never left behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from mailnix.errors import CommandFailed, ToolMissing
from mailnix.run import end, require, run, spawn, start


def python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_a_program_prints_is_given_back() -> None:
    done = run(python("import sys; print('out'); print('err', file=sys.stderr)"))
    assert (done.status, done.stdout, done.stderr) == (0, "out\n", "err\n")


def test_lines_of_stderr_are_heard_as_they_come() -> None:
    heard: list[str] = []
    run(python("import sys; print('a', file=sys.stderr); print('b', file=sys.stderr)"), on_line=heard.append)
    assert heard == ["a", "b"]


def test_stdin_is_empty_unless_given() -> None:
    assert run(["cat"]).stdout == ""
    assert run(["cat"], stdin=b"x" * 1_000_000).stdout == "x" * 1_000_000


def test_a_program_that_does_not_read_its_input_is_no_error() -> None:
    assert run(["true"], stdin=b"x" * 1_000_000).status == 0


def test_a_program_that_never_reads_its_input_is_out_of_time() -> None:
    with pytest.raises(CommandFailed) as caught:
        run(["sleep", "60"], stdin=b"x" * 1_000_000, timeout=0.3)
    assert caught.value.status is None


@pytest.mark.parametrize(("ends", "leave", "goes_on"), [(0, True, True), (0, False, False), (75, True, False)])
def test_what_a_program_started_goes_on_only_where_that_is_asked_for(
    tmp_path: Path, ends: int, leave: bool, goes_on: bool
) -> None:
    pids = tmp_path / "pids"
    done = run(["sh", "-c", f"echo said; sleep 20 & echo $! >{pids}; exit {ends}"], check=False, leave=leave)
    pid = int(pids.read_text())
    assert (done.status, done.stdout, alive(pid)) == (ends, "said\n", goes_on)
    if goes_on:
        os.kill(pid, signal.SIGKILL)


def test_the_environment_is_added_to_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILNIX_TEST_OLD", "old")
    text = "import os; print(os.environ['MAILNIX_TEST_OLD'], os.environ['MAILNIX_TEST_NEW'])"
    assert run(python(text), env={"MAILNIX_TEST_NEW": "new"}).stdout == "old new\n"


def test_a_folder_to_run_in(tmp_path: Path) -> None:
    assert run(["pwd"], cwd=tmp_path).stdout == f"{tmp_path}\n"


def test_bytes_that_are_no_text_do_not_break_the_reading() -> None:
    assert run(python(r"import sys; sys.stdout.buffer.write(b'\xff\n')")).stdout == "\ufffd\n"


def test_a_failure_says_why_in_its_last_line() -> None:
    with pytest.raises(CommandFailed) as caught:
        run(["sh", "-c", "echo first >&2; echo last >&2; exit 3"], hint="do this")
    assert caught.value.message == "sh failed with status 3: last"
    assert (caught.value.status, caught.value.hint) == (3, "do this")
    assert caught.value.last_lines == "first\nlast\n"


def test_a_failure_may_be_asked_for() -> None:
    assert run(["sh", "-c", "exit 3"], check=False).status == 3


def test_a_missing_program_is_named() -> None:
    with pytest.raises(ToolMissing, match="no-such-program is not installed"):
        run(["no-such-program"])


def test_a_tool_is_found_in_sbin_or_its_package_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert require("mke2fs", "e2fsprogs").endswith("/mke2fs")
    with pytest.raises(ToolMissing) as caught:
        require("no-such-program", "its-package")
    assert caught.value.hint == "install it, on Debian: apt-get install its-package"


def test_out_of_time_ends_the_program_and_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with pytest.raises(CommandFailed, match="ran out of time") as caught:
        run(["sh", "-c", f"sleep 60 & echo $! > {pids}; wait"], timeout=0.5)
    assert caught.value.status is None
    assert not alive(int(pids.read_text()))


def test_ctrl_c_ends_the_program_and_its_children() -> None:
    pids = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        os.kill(os.getpid(), signal.SIGINT)

    # A test run that a script started in the background inherits an ignored SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(["sh", "-c", "sleep 60 & echo $! >&2; wait"], on_line=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not alive(pids[0])


def test_a_spawned_program_lives_as_long_as_its_block(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with spawn(["sh", "-c", "echo hello; exec sleep 60"], log) as spawned:
        assert spawned.status() is None
        assert spawned.wait(0.05) is None
    assert spawned.status() == -signal.SIGTERM
    assert not alive(spawned.pid)


def test_a_program_that_ignores_the_polite_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mailnix import run as module

    spawned = start(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 60; done"], tmp_path / "log")
    while "ready" not in (tmp_path / "log").read_text():
        assert spawned.status() is None
    module.end_group(spawned.process, grace=0.2)
    assert not alive(spawned.pid)


def test_a_started_program_outlives_the_call_and_its_words_are_logged(tmp_path: Path) -> None:
    log = tmp_path / "log"
    spawned = start(["sh", "-c", "echo out; echo err >&2"], log)
    assert spawned.wait(10) == 0
    assert log.read_text() == "out\nerr\n"
    end(spawned)
