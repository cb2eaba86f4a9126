from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.agents import FakeAgent, fake_agent


@pytest.fixture
def agent_path(tmp_path: Path) -> Path:
    return tmp_path / "agent"


@pytest.fixture
def fake(agent_path: Path) -> Iterator[FakeAgent]:
    with fake_agent(agent_path) as agent:
        yield agent
