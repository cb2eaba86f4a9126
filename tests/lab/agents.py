"""A guest agent without a guest: answers on a unix socket as qemu-ga does, and misbehaves on request."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class FakeAgent:
    """Runs nothing: `commands` says what each shell command prints and how it ends."""

    def __init__(self, path: Path) -> None:
        self.commands: dict[str, tuple[int, bytes, bytes]] = {}
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.killed: list[str] = []
        self.never_ending: set[str] = set()
        self.noise_before_sync = b""
        self.hang_up_on = ""
        self.deaf = False
        self.busy = 0.0
        """Seconds in which nothing is read after a file was opened."""
        self._jobs: dict[int, str] = {}
        self._polls: dict[int, int] = {}
        self._handles: dict[int, tuple[str, int]] = {}
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        for raw in connection.makefile("rb"):
            message = json.loads(raw.rpartition(b"\xff")[2])
            name, arguments = message["execute"], message.get("arguments", {})
            if self.deaf:
                continue
            self.asked.append(name)
            if name == self.hang_up_on:
                self.hang_up_on = ""
                return
            if name == "guest-sync-delimited":
                connection.sendall(self.noise_before_sync + b"\xff")
            connection.sendall(json.dumps(self._answer(name, arguments)).encode() + b"\n")
            if name == "guest-file-open":
                threading.Event().wait(self.busy)

    def _answer(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        handler = getattr(self, "_" + name.replace("-", "_"), None)
        if handler is None:
            return {"error": {"class": "CommandNotFound", "desc": f"The command {name} has not been found"}}
        try:
            return {"return": handler(**arguments)}
        except FileNotFoundError as error:
            return {"error": {"class": "GenericError", "desc": str(error)}}

    def _guest_sync_delimited(self, id: int) -> int:
        return id

    def _guest_ping(self) -> dict[str, Any]:
        return {}

    def _guest_exec(self, **options: Any) -> dict[str, Any]:
        command = options["arg"][1]
        if "kill_tree" in command:
            self.killed.append(command.rpartition(" ")[2])
        pid = 1000 + len(self._jobs)
        stdin = base64.b64decode(options.get("input-data", ""))
        if command == "cat":
            self.commands["cat"] = (0, stdin, b"")
        self._jobs[pid] = command
        return {"pid": pid}

    def _guest_exec_status(self, pid: int) -> dict[str, Any]:
        command = self._jobs[pid]
        self._polls[pid] = self._polls.get(pid, 0) + 1
        if command in self.never_ending or self._polls[pid] < 2:
            return {"exited": False}
        status, out, err = self.commands.get(command, (127, b"", b"not found"))
        end = {"exitcode": status} if status >= 0 else {"signal": -status}
        data = {"out-data": base64.b64encode(out).decode(), "err-data": base64.b64encode(err).decode()}
        return {"exited": True, **end, **{key: value for key, value in data.items() if value}}

    def _guest_file_open(self, path: str, mode: str) -> int:
        if mode == "w":
            self.files[path] = b""
        elif path not in self.files:
            raise FileNotFoundError(f"failed to open file '{path}'")
        handle = 1 + len(self._handles)
        self._handles[handle] = (path, 0)
        return handle

    def _guest_file_read(self, handle: int, count: int) -> dict[str, Any]:
        path, place = self._handles[handle]
        piece = self.files[path][place : place + count]
        self._handles[handle] = (path, place + len(piece))
        return {"count": len(piece), "buf-b64": base64.b64encode(piece).decode(), "eof": len(piece) < count}

    def _guest_file_write(self, **options: Any) -> dict[str, Any]:
        path, _ = self._handles[options["handle"]]
        self.files[path] += base64.b64decode(options["buf-b64"])
        return {"count": 0, "eof": False}

    def _guest_file_close(self, handle: int) -> dict[str, Any]:
        del self._handles[handle]
        return {}

    @property
    def open_files(self) -> int:
        return len(self._handles)


@contextlib.contextmanager
def fake_agent(path: Path) -> Iterator[FakeAgent]:
    """A FakeAgent that listens at `path` for the length of the block."""
    agent = FakeAgent(path)
    try:
        yield agent
    finally:
        agent.close()
