import os
from pathlib import Path

import pytest

from mailnix.errors import LabError
from mailnix.lab.guest import CHUNK, AgentGone, AgentRefused, GuestAgent
from tests.lab.agents import FakeAgent, fake_agent


@pytest.fixture
def agent(agent_path: Path) -> GuestAgent:
    return GuestAgent(agent_path)


def test_a_command_gives_its_output_and_status(fake: FakeAgent, agent: GuestAgent) -> None:
    fake.commands["ls"] = (2, b"out", b"gr\xc3\xbc\xc3\x9f")
    result = agent.execute("ls")
    assert (result.status, result.stdout, result.stderr, result.ok) == (2, "out", "grüß", False)


def test_a_command_ended_by_a_signal_has_the_shells_status(fake: FakeAgent, agent: GuestAgent) -> None:
    fake.commands["crash"] = (-9, b"", b"")
    assert agent.execute("crash").status == 137


def test_a_command_reads_what_it_is_given(fake: FakeAgent, agent: GuestAgent) -> None:
    assert agent.execute("cat", stdin=b"\x00\xffhello").stdout_bytes == b"\x00\xffhello"


def test_many_commands_use_one_connection(fake: FakeAgent, agent: GuestAgent) -> None:
    fake.commands["true"] = (0, b"", b"")
    for _ in range(5):
        agent.execute("true")
    assert fake.asked.count("guest-sync-delimited") == 1


def test_a_command_that_takes_too_long_is_ended_in_the_guest(fake: FakeAgent, agent: GuestAgent) -> None:
    fake.never_ending.add("sleep 100")
    with pytest.raises(AgentGone, match=r"not over after 0 s"):
        agent.execute("sleep 100", timeout=0.05)
    assert fake.killed == ["1000"]


def test_what_an_earlier_client_left_in_the_stream_is_skipped(fake: FakeAgent, agent: GuestAgent) -> None:
    fake.noise_before_sync = b'{"return": {"pid": 3}}\n{"return": 12}\n{"ret'
    fake.commands["true"] = (0, b"fine", b"")
    assert agent.execute("true").stdout == "fine"


def test_after_a_reboot_the_next_command_connects_again(fake: FakeAgent, agent: GuestAgent) -> None:
    fake.commands["true"] = (0, b"", b"")
    agent.execute("true")
    fake.hang_up_on = "guest-exec"
    with pytest.raises(AgentGone):
        agent.execute("true")
    assert agent.execute("true").ok


def test_an_agent_that_says_nothing_is_given_up_in_time(fake: FakeAgent, agent: GuestAgent) -> None:
    fake.deaf = True
    with pytest.raises(AgentGone):
        agent.ping(0.1)
    fake.deaf = False
    agent.ping(5)


def test_no_socket_is_no_agent(agent: GuestAgent) -> None:
    with pytest.raises(AgentGone):
        agent.ping(0.1)


def test_the_agent_may_appear_while_it_is_waited_for(agent_path: Path, agent: GuestAgent) -> None:
    with pytest.raises(AgentGone):
        agent.ask("guest-ping", timeout=0.1)
    with fake_agent(agent_path):
        agent.ping(5)
        assert agent.ask("guest-ping") == {}


def test_a_broken_machine_ends_the_waiting_at_once(agent_path: Path) -> None:
    def panicked() -> None:
        raise LabError("the kernel panicked")

    with pytest.raises(LabError, match="panicked"):
        GuestAgent(agent_path, panicked).ping(600)


def test_a_broken_machine_ends_a_running_command_at_once(fake: FakeAgent, agent_path: Path) -> None:
    def panicked() -> None:
        raise LabError("the kernel panicked")

    fake.never_ending.add("sleep 100")
    with pytest.raises(LabError, match="panicked"):
        GuestAgent(agent_path, panicked).execute("sleep 100", timeout=600)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 7])
def test_files_of_any_size_come_back_as_they_went(fake: FakeAgent, agent: GuestAgent, size: int) -> None:
    content = os.urandom(size)
    agent.write_file("/x", content)
    assert fake.files["/x"] == content
    assert agent.read_file("/x") == content
    assert fake.open_files == 0


def test_a_large_file_waits_for_a_machine_that_is_slow_to_take_it(fake: FakeAgent, agent: GuestAgent) -> None:
    fake.busy = 1.5  # longer than an answer is waited for before one looks after the machine
    agent.write_file("/tmp/large", b"x" * CHUNK)
    assert agent.read_file("/tmp/large") == b"x" * CHUNK


def test_a_missing_file_is_named(fake: FakeAgent, agent: GuestAgent) -> None:
    with pytest.raises(AgentRefused, match="/nowhere"):
        agent.read_file("/nowhere")
