"""Programs may print anything, or nothing, or never end: then there is a reason, and no harm."""

from __future__ import annotations

import os
import time

import pytest

from mailnix.doctor.machines.guest import here as guest
from mailnix.doctor.machines.guest.here import CouldNotAsk
from tests.doctor.machines.guest.fake import Fake


def test_what_a_program_prints_is_its_answer(fake: Fake) -> None:
    fake.program("wg", 'echo "$1 $LC_ALL"; cat')
    assert fake.here.ask("wg", "show", stdin=b"more") == "show C.UTF-8\nmore"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo busy >&2; exit 3", "wg failed: busy"),
        ("exit 3", "wg failed: status 3"),
        ("exec sleep 60", "wg took longer than 0 seconds"),
        ("exec sleep 60 >&- 2>&-", "wg took longer than 0 seconds"),
        ("exec yes", "wg prints more than 4 MiB"),
        ("exec yes >&2", "wg prints more than 4 MiB"),
    ],
)
def test_a_program_that_gives_no_answer_is_a_reason(fake: Fake, script: str, why: str) -> None:
    fake.program("wg", script)
    within = 0.4 if "sleep" in script else 20.0
    with pytest.raises(CouldNotAsk) as caught:
        fake.here.ask("wg", within=within)
    assert str(caught.value) == why


def test_a_program_that_is_not_there_is_a_reason(fake: Fake) -> None:
    with pytest.raises(CouldNotAsk, match="wg is not to be had: No such file"):
        fake.here.ask("wg")


def test_bytes_that_are_no_text_are_read_all_the_same(fake: Fake) -> None:
    fake.program("wg", r"printf 'a\377\000b'")
    assert fake.here.ask("wg") == "a\N{REPLACEMENT CHARACTER}\0b"


def test_a_program_that_does_not_read_what_it_is_told_is_no_trouble(fake: Fake) -> None:
    fake.program("nft", "exec <&-; echo done")
    assert fake.here.ask("nft", stdin=b"x" * 200_000) == "done\n"


def test_what_a_program_has_started_ends_with_it(fake: Fake) -> None:
    fake.program("wg", "sleep 60 >/dev/null 2>&1 </dev/null & echo $!")
    child = int(fake.here.ask("wg"))
    end = time.monotonic() + 10
    while os.path.exists(f"/proc/{child}") and time.monotonic() < end:  # noqa: PTH110
        if "Z" in open(f"/proc/{child}/stat").read():  # noqa: PTH123, SIM115
            break
    assert time.monotonic() < end


def test_a_file_is_read_as_far_as_it_is_of_use(fake: Fake) -> None:
    with fake.file("/huge").open("wb") as file:
        file.truncate(guest.MOST + 10)
    assert len(fake.here.text("/huge")) == guest.MOST
