"""What a generation brings to be run before it is switched to."""

from __future__ import annotations

import pytest

from mailnix.services.generations.guest import verbs
from mailnix.services.generations.guest.ahead import ahead
from mailnix.services.generations.guest.receiving import receive
from mailnix.services.generations.guest.world import Refused
from tests.services.generations.scratch import HOST, Scratch, deb, packed

FETCHES = """\
import pathlib, sys
print((pathlib.Path(sys.argv[1]) / "etc/wanted").read_text())
"""
FAILS = """\
import sys
print("pulling something")
print("mailnix: Mailcow cannot come: no such host")
sys.exit(1)
"""


def brings(machine: Scratch, number: int, program: str) -> None:
    """Receive a generation with this program."""
    files = {machine.names.ahead.lstrip("/"): program, "etc/wanted": f"images of {number}"}
    package = deb(machine.root, f"mailnix-{HOST}", str(number), files)
    receive(machine, number, packed(number, [package]))


def test_it_sees_the_files_of_its_generation_and_none_is_laid(plain: Scratch) -> None:
    brings(plain, 1, FETCHES)
    plain.ran.clear()
    assert ahead(plain, 1) == {"ahead": True}
    assert next(words[0] for words in plain.ran) == "dpkg-deb"
    assert not (plain.root / "etc/wanted").exists()


def test_one_that_brings_none_needs_nothing(received: Scratch) -> None:
    assert ahead(received, 1) == {"ahead": False}


def test_what_it_could_not_have_is_said_and_nothing_is_pending(plain: Scratch) -> None:
    brings(plain, 1, FAILS)
    with pytest.raises(Refused, match="generation 1 cannot be had yet: mailnix: Mailcow cannot come: no such host"):
        ahead(plain, 1)
    assert plain.state.pending is None


def test_a_package_that_is_damaged_by_now_is_said(received: Scratch) -> None:
    path = next(received.root.glob(f"var/lib/mailnix/generations/1/mailnix-{HOST}_*.deb"))
    path.write_bytes(b"no package")
    with pytest.raises(Refused, match="cannot be unpacked"):
        ahead(received, 1)


def test_that_databases_may_go_back_is_written_down_for_their_services(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a", databases=True)
    pending = running.state.pending
    assert pending is not None
    assert pending.databases


def test_and_is_not_where_nobody_says_so(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    pending = running.state.pending
    assert pending is not None
    assert not pending.databases
