"""QEMU's control protocol, wrapped once: qemu.qmp talks asyncio, the lab does not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define

from mailnix.errors import LabError
from mailnix.lab.waiting import attempts

if TYPE_CHECKING:
    from qemu.qmp import QMPClient

ANSWER_TIMEOUT = 120.0  # seconds; on a busy host QEMU itself stands in line


@define
class Qmp:
    """An open control connection; QEMU serves one at a time, so keep it short."""

    name: str
    _client: QMPClient
    _runner: asyncio.Runner

    def execute(self, command: str, arguments: Mapping[str, Any] | None = None, timeout: float = ANSWER_TIMEOUT) -> Any:
        """One command and its answer; raises LabError where QEMU refuses it or says nothing."""
        from qemu.qmp import QMPError

        async def ask() -> Any:
            return await asyncio.wait_for(self._client.execute(command, dict(arguments or {})), timeout)

        try:
            return self._runner.run(ask())
        except (QMPError, TimeoutError) as error:
            raise LabError(f"{self.name}: QEMU did not do {command}: {error or 'no answer'}") from error

    def job(self, command: str, arguments: Mapping[str, Any], timeout: float) -> None:
        """Run a command that works as a background job, to the job's end; raises LabError where it fails."""
        name = f"mailnix-{command}"
        self.execute(command, {"job-id": name, **arguments})
        for _ in attempts(timeout):
            found = next(job for job in self.execute("query-jobs") if job["id"] == name)
            if found["status"] == "concluded":
                self.execute("job-dismiss", {"id": name})
                if "error" in found:
                    raise LabError(f"{self.name}: {command}: {found['error']}")
                return
        raise LabError(f"{self.name}: {command} was not over after {timeout:.0f} s")


@contextlib.contextmanager
def connect(name: str, path: Path, timeout: float = ANSWER_TIMEOUT) -> Iterator[Qmp]:
    """Talk to the QEMU of machine `name` at its socket; raises LabError where nobody answers."""
    from qemu.qmp import QMPClient, QMPError

    # It logs as errors what it also raises; a log without a handler lands on the user's terminal.
    logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)
    with asyncio.Runner() as runner:
        client = QMPClient(name)

        async def greet() -> None:
            await asyncio.wait_for(client.connect(str(path)), timeout)

        try:
            runner.run(greet())
        except (QMPError, OSError, TimeoutError) as error:
            raise LabError(f"{name}: QEMU does not answer at {path}", "is it running? see its qemu.log") from error
        try:
            yield Qmp(name, client, runner)
        finally:
            with contextlib.suppress(QMPError, OSError, EOFError):
                runner.run(client.disconnect())
