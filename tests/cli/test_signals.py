"""A signal that ends the command line ends what it has started, too."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from mailnix.cli.signals import ENDING, Ended, heeded
from mailnix.run import run
from tests.test_run import alive

BUILDER = """
import os, signal, sys
from concurrent.futures import ThreadPoolExecutor

import click

from mailnix.cli import main
from mailnix.cli.verbs import mailnix
from mailnix.run import end_all, run


def told(line):
    print(os.getpid(), line, file=sys.stderr, flush=True)


def build():
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(run, ["sh", "-c", "sleep 60 & echo $! >&2; wait"], on_line=told)
        try:
            made.result()
        except BaseException:
            end_all()
            raise


# A test run that a script started inherits what nohup switched off.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
type(mailnix).get_command = lambda *_: click.Command("build", callback=build)
raise SystemExit(main(["build"]))
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_builders_of_a_command_that_is_ended_end_with_it(number: signal.Signals, status: int) -> None:
    builders = []

    def end_it(line: str) -> None:
        if line[0].isdigit():
            pid, builder = map(int, line.split())
            builders.append(builder)
            os.kill(pid, number)

    ended = run([sys.executable, "-c", BUILDER], on_line=end_it, check=False, timeout=60)
    assert (ended.status, ended.stderr.splitlines()[1:]) == (status, [f"mailnix: ended by {number.name}"])
    assert [alive(builder) for builder in builders] == [False]


def test_a_second_signal_does_not_disturb_the_clearing_up() -> None:
    cleared = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
            cleared.append("all")

    before = [signal.getsignal(number) for number in ENDING]
    with pytest.raises(Ended, match="SIGTERM"), heeded():
        work()
    assert cleared == ["all"]
    assert [signal.getsignal(number) for number in ENDING] == before


def test_what_nohup_has_switched_off_stays_off() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with heeded():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
