"""The QEMU guest agent, spoken to over its unix socket: commands, and files both ways.

A thin synchronous client: qemu.qmp talks asyncio and greets first, which the agent does not. The agent answers in
order and has no request ids, so a request that timed out leaves its answer in the stream; `guest-sync-delimited`
(QEMU's docs/interop/qemu-ga-ref) finds the way back: its answer comes after a 0xFF byte and carries our number.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from mailnix.errors import LabError
from mailnix.lab.waiting import Wait

CHUNK = 1024 * 1024
"""Bytes of a file in one message; the agent's limit is 48 MiB, its JSON reader gets slow long before."""

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/wrappers/bin:/run/current-system/sw/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}
"""What commands in a guest see: both systems' usual places, root's home."""

ANSWER_TIMEOUT = 60.0
RESYNC_AFTER = 5.0

# Stopped first, so that it starts nothing new while its children are being found (proc_pid_children(5)).
_KILL_TREE = (
    "kill_tree() { kill -s STOP $1; for child in $(cat /proc/$1/task/*/children); do kill_tree $child; done; "
    "kill -s KILL $1; }"
)

Check = Callable[[], None]


def _nothing_wrong() -> None:
    return None


class AgentGone(Exception):
    """The agent did not answer in time, or its machine went away."""


class AgentRefused(Exception):
    """The agent answered with an error."""


@frozen
class Result:
    """What a command in a guest left behind."""

    status: int
    stdout_bytes: bytes
    stderr_bytes: bytes

    @property
    def stdout(self) -> str:
        """Its output as text."""
        return self.stdout_bytes.decode(errors="replace")

    @property
    def stderr(self) -> str:
        """Its error output as text."""
        return self.stderr_bytes.decode(errors="replace")

    @property
    def ok(self) -> bool:
        """Whether it ended with status 0."""
        return self.status == 0


@define
class GuestAgent:
    """A connection to one machine's agent, made when first needed and made anew after every trouble.

    `check` is called while waiting and raises where waiting is pointless (the kernel panicked, QEMU ended); `wait`
    begins a wait for so many seconds, which lasts as long as the machine moves.
    """

    path: Path
    check: Check = _nothing_wrong
    wait: Callable[[float], Wait] = Wait
    _socket: socket.socket | None = field(default=None, init=False)
    _buffer: bytearray = field(factory=bytearray, init=False)
    _lock: threading.RLock = field(factory=threading.RLock, init=False)

    def close(self) -> None:
        """Hang up; the next request connects again."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = None
            self._buffer.clear()

    def ping(self, timeout: float) -> None:
        """Return once the agent answers; raises AgentGone where it does not in a wait of `timeout` seconds."""
        wait = self.wait(timeout)
        with self._lock:
            self.close()
            for left in wait.attempts():
                self.check()
                try:
                    # The longer it takes to come up, the longer it may take to say so.
                    self._connected(min(left, max(RESYNC_AFTER, wait.waited() / 10)))
                except AgentGone:
                    continue
                return
        raise AgentGone(f"no answer within {wait.waited():.0f} s")

    def ask(self, name: str, arguments: Mapping[str, Any] | None = None, timeout: float = ANSWER_TIMEOUT) -> Any:
        """One request and its answer. Raises AgentGone or AgentRefused."""
        with self._lock:
            wait = self.wait(timeout)
            self._connected(timeout)
            self._send({"execute": name, **({"arguments": dict(arguments)} if arguments else {})})
            answer = self._answer(wait)
            if "error" in answer:
                raise AgentRefused(str(answer["error"].get("desc", answer["error"])))
            return answer.get("return")

    def execute(self, command: str, *, stdin: bytes = b"", timeout: float = 60.0) -> Result:
        """Run a shell command as root to its end. Raises AgentGone where it is not over after a wait of `timeout` s."""
        arguments: dict[str, Any] = {
            "path": "/bin/sh",
            "arg": ["-c", command],
            "env": [f"{key}={value}" for key, value in ENVIRONMENT.items()],
            "capture-output": True,
        }
        if stdin:
            arguments["input-data"] = base64.b64encode(stdin).decode()
        pid = self.ask("guest-exec", arguments)["pid"]
        wait = self.wait(timeout)
        for left in wait.attempts(longest=0.25, patience=0.05):
            self.check()
            found = self.ask("guest-exec-status", {"pid": pid}, timeout=max(left, 1.0) + ANSWER_TIMEOUT)
            if found["exited"]:
                return _result(found)
        self._kill(pid)
        raise AgentGone(f"not over after {wait.waited():.0f} s")

    def read_file(self, path: str) -> bytes:
        """A file's content, of any size."""
        with self._open(path, "r") as handle:
            parts = bytearray()
            while True:
                got = self.ask("guest-file-read", {"handle": handle, "count": CHUNK})
                parts += base64.b64decode(got["buf-b64"])
                if got["eof"] or not got["count"]:
                    return bytes(parts)

    def write_file(self, path: str, content: bytes) -> None:
        """Make or replace a file, of any size; the folder must exist."""
        with self._open(path, "w") as handle:
            for start in range(0, len(content), CHUNK):
                piece = base64.b64encode(content[start : start + CHUNK]).decode()
                self.ask("guest-file-write", {"handle": handle, "buf-b64": piece})

    @contextlib.contextmanager
    def _open(self, path: str, mode: str) -> Any:
        handle = self.ask("guest-file-open", {"path": path, "mode": mode})
        try:
            yield handle
        finally:
            with contextlib.suppress(AgentGone, AgentRefused):
                self.ask("guest-file-close", {"handle": handle})

    def _kill(self, pid: int) -> None:
        """End a command that took too long, with what it started (they share the agent's process group)."""
        with contextlib.suppress(AgentGone, AgentRefused):
            arguments = {"path": "/bin/sh", "arg": ["-c", f"{_KILL_TREE}; kill_tree {pid}"], "capture-output": False}
            self.ask("guest-exec", arguments)

    def _connected(self, timeout: float) -> None:
        if self._socket is not None:
            return
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(str(self.path))
        except OSError as error:
            connection.close()
            raise AgentGone(str(error)) from None
        self._socket = connection
        self._sync(self.wait(timeout))

    def _sync(self, wait: Wait) -> None:
        number = secrets.randbelow(2**31)
        # The leading 0xFF makes the agent drop a half-written request of whoever was connected before.
        self._send({"execute": "guest-sync-delimited", "arguments": {"id": number}}, b"\xff")
        while True:
            answer = self._answer(wait)
            if answer.get("return") == number:
                return

    def _send(self, message: Mapping[str, Any], before: bytes = b"") -> None:
        assert self._socket is not None
        try:
            self._socket.settimeout(ANSWER_TIMEOUT)  # of reading it is a second; a busy machine takes long to take much
            self._socket.sendall(before + json.dumps(message).encode() + b"\n")
        except OSError as error:
            self.close()
            raise AgentGone(str(error)) from None

    def _answer(self, wait: Wait) -> dict[str, Any]:
        while True:
            line = self._line(wait)
            try:
                answer = json.loads(line.rpartition(b"\xff")[2])
            except ValueError:
                continue
            if isinstance(answer, dict):
                return answer

    def _line(self, wait: Wait) -> bytes:
        """The next line; looks after the machine about once a second while there is none."""
        assert self._socket is not None
        while b"\n" not in self._buffer:
            left = wait.left()
            try:
                if left <= 0:
                    raise AgentGone("no answer in time")
                self._socket.settimeout(min(left, 1.0))
                got = self._socket.recv(1 << 16)
                if not got:
                    raise AgentGone("QEMU closed the connection")
                self._buffer += got
            except TimeoutError:
                self.check()
            except OSError as error:
                self.close()
                raise AgentGone(str(error)) from None
            except AgentGone:
                self.close()
                raise
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer[:] = rest
        return line


def _result(found: Mapping[str, Any]) -> Result:
    if found.get("out-truncated") or found.get("err-truncated"):
        raise LabError("a command printed more than the guest agent keeps (16 MiB)", "write to a file and read that")
    out, err = (base64.b64decode(found.get(key, "")) for key in ("out-data", "err-data"))
    # Shells say 128 + the signal's number for what a signal ended; so does this.
    return Result(found["exitcode"] if "exitcode" in found else 128 + found.get("signal", 0), out, err)
