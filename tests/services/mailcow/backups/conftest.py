from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.services.mailcow.backups.machine import DOCKER, SYSTEMCTL, Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for tool in ("tar", "zstd"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    made = Machine(tmp_path)
    for name, text in (("docker", DOCKER), ("systemctl", SYSTEMCTL)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.format(log=made.log, volumes=made.volumes))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(signal, "signal", lambda *_words: None)  # this process keeps its own
    return made
