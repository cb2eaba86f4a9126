from pathlib import Path

import pytest

from mailnix.lab.console import DEAD_ENDS, Console, plain


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path / "console.log")


def add(console: Console, text: bytes) -> None:
    with console.log.open("ab") as stream:
        stream.write(text)


def test_a_log_that_is_not_there_yet_is_empty(console: Console) -> None:
    assert (console.text(), console.tail(), console.dead_end()) == ("", "", "")


def test_a_panic_is_seen_as_soon_as_it_is_printed(console: Console) -> None:
    add(console, b"[    1.0] Run /init\n")
    assert console.dead_end() == ""
    add(console, b"[    2.0] Kernel panic - not syncing: VFS\n")
    assert console.dead_end() == "the kernel panicked"


@pytest.mark.parametrize(("sign", "meaning"), DEAD_ENDS)
def test_a_sign_cut_in_two_by_reading_is_seen(console: Console, sign: bytes, meaning: str) -> None:
    add(console, b"x" * 500 + sign[:7])
    assert console.dead_end() == ""
    add(console, sign[7:] + b"\n")
    assert console.dead_end() == meaning


def test_a_new_boot_forgets_the_panic_of_the_last(console: Console) -> None:
    add(console, b"Kernel panic - not syncing\n")
    assert console.dead_end()
    console.new_boot()
    assert console.dead_end() == ""
    add(console, b"Welcome\n")
    assert (console.text(), console.tail()) == ("Welcome\n", "Welcome")
    console.new_boot()
    assert console.older_log.read_text() == "Kernel panic - not syncing\nWelcome\n"


def test_the_tail_has_the_last_lines_that_say_something(console: Console) -> None:
    add(console, b"".join(b"line %d\r\n\r\n" % number for number in range(100)))
    assert console.tail(3) == "line 97\nline 98\nline 99"


def test_colours_and_terminal_questions_are_left_out() -> None:
    raw = b"\x1b[0;32m  OK  \x1b[0m] \x1b]104\x1b\\\x1b[!p\x1b[?7h\x1b[6nReached\x1b]0;title\x07\r\n"
    assert plain(raw) == "  OK  ] Reached\n"
