"""A flood costs haraka-in no more memory than its unit allows, and none for longer than it lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import rig as stands
from mailnix.services.haraka.units import MEMORY_HIGH
from mailnix.services.haraka.values import Limits
from rig import Haraka, Sink, Stand
from tests.attacks.marks import Kind, attack
from tests.services.haraka.incoming import XCLIENT, Raw, haraka_in

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

LIMITS = Limits()
BLOCKS, BLOCK = 15, b"a" * 65536  # 960 KiB without a line's end


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@pytest.fixture(scope="module")
def backend() -> Iterator[Sink]:
    with stands.sink(replies=XCLIENT) as running:
        yield running


def flood(server: Haraka, stack: ExitStack) -> list[Raw]:
    """As many sessions as there are, each with a line that does not end where Mailcow has room for it."""
    sources = [f"127.0.4.{1 + number // LIMITS.sessions_per_client}" for number in range(LIMITS.sessions)]
    sessions = [stack.enter_context(Raw.to(server, source)) for source in sources]
    taken = [session for session in sessions[: LIMITS.upstream] if session.in_data()]
    for _ in range(BLOCKS):
        for session in taken:
            session.send(BLOCK)
    return taken


def all_arrived(sessions: list[Raw]) -> None:
    """Each message has an end, and an answer."""
    for session in sessions:
        session.send(b"\r\n.\r\n")
    assert [session.reply()[:3] for session in sessions] == ["250"] * len(sessions)


@attack(Kind.FLOOD, right="less than MemoryHigh=, and less again afterwards", source="Postfix: each session a process")
def test_a_flood_of_unended_lines_stays_within_the_memory_and_gives_it_back(stand: Stand, backend: Sink) -> None:
    with haraka_in(stand, backend.port) as server:
        idle = server.memory
        with ExitStack() as stack:
            sessions = flood(server, stack)
            all_arrived(sessions[: len(sessions) // 2])  # the others never end
            most = server.most_memory
            assert most < MEMORY_HIGH
        stands.until(lambda: server.memory < (idle + most) / 2, "memory falls", 20)
