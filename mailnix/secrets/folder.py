"""The secrets folder: one folder a host, one file a credential, and `public.json` beside them.

secrets/               0700
├── .gitignore         keeps everything but public.json out of version control
├── public.json        public halves: WireGuard keys by host and interface, DKIM keys by domain
├── proxy/             0700
│   └── <credential>   0600
└── internal/ …
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from mailnix.errors import SecretsError
from mailnix.model import hashes
from mailnix.secrets.public import PUBLIC, PUBLIC_VERSION, explained
from mailnix.secrets.value import Secret

SHORTEST: Final = 6
"""Characters of a password, as Mailcow wants at least."""

_IGNORE: Final = "# Only the public halves may be committed.\n*\n!.gitignore\n!public.json\n"


@frozen
class Folder:
    """A secrets folder on this machine; every path in it is checked to be ours alone before it is read."""

    path: Path

    def create(self) -> None:
        """Make the folder where it is missing; raises SecretsError where it is open to others."""
        with explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                self.path.mkdir(mode=0o700)
            self.check()
            if not (self.path / ".gitignore").exists():
                _write(self.path / ".gitignore", _IGNORE.encode(), 0o644)

    def check(self) -> None:
        """Raise SecretsError where the folder is missing, not a folder, or open to others."""
        if not self.path.is_dir():
            problem = "is not a folder" if self.path.exists() else "does not exist"
            raise SecretsError(f"the secrets folder {self.path} {problem}", "make it with: mailnix secrets init CONFIG")
        _private(self.path, self.path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one writer; raises SecretsError where another one is at work."""
        with explained(self.path):
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise SecretsError(f"{self.path} is in use", "another mailnix writes to it: wait for its end") from None
            yield
        finally:
            os.close(handle)

    def get(self, host: str, name: str) -> Secret | None:
        """A host's credential, or None where it has not been made."""
        file = self.path / host / name
        with explained(file):
            if not file.exists():
                return None
            _private(file.parent, self.path)
            _private(file, self.path)
            return Secret(file.read_bytes())

    def text(self, path: str) -> str:
        """The one line of a file that the user keeps here, `path` being below the folder; raises SecretsError."""
        file = self.path / path
        with explained(file):
            if not file.is_file():
                raise SecretsError(f"{file} does not exist", "put a password or its hash into it, on one line")
            _private(file, self.path)
            lines = file.read_text("utf-8", "replace").strip().splitlines()
        if len(lines) != 1 or len(lines[0]) < SHORTEST:
            hint = f"write it on one line, at least {SHORTEST} characters"
            raise SecretsError(f"{file} holds no password that Mailcow takes", hint)
        if hashes.is_meant(lines[0]) and (wrong := hashes.fault(lines[0])) is not None:
            raise SecretsError(f"{file}: {wrong.message}", wrong.hint)
        return lines[0]

    def put(self, host: str, name: str, secret: Secret) -> None:
        """Keep a host's credential, replacing the file at once and whole."""
        home = self.path / host
        with explained(home / name):
            if not home.exists():
                home.mkdir(mode=0o700)
            _private(home, self.path)
            _write(home / name, secret.reveal(), 0o600)

    def fingerprint(self) -> str:
        """One text for all that is kept: the same only while every credential is.

        It tells nothing of them: keys of 256 bits are among what is hashed together.
        """
        digest = hashlib.sha256()
        with explained(self.path):
            for file in sorted(path for path in self.path.glob("*/**/[!.]*") if path.is_file()):
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{file.relative_to(self.path)} {content}\n".encode())
        return digest.hexdigest()

    def put_public(self, content: dict[str, Any]) -> None:
        """Write `public.json`, unless it says the same already."""
        text = json.dumps({"version": PUBLIC_VERSION, **content}, indent=2, sort_keys=True) + "\n"
        file = self.path / PUBLIC
        with explained(file):
            if not file.exists() or file.read_bytes() != text.encode():
                _write(file, text.encode(), 0o644)


def _private(path: Path, folder: Path) -> None:
    status = path.stat()
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = stat.S_IMODE(status.st_mode)
        fix = f"chmod 700 {folder} && chmod -R go= {folder}/*/"
        raise SecretsError(f"{path} is open to others (mode {mode:04o})", f"close it with: {fix}")
    if status.st_uid not in (os.geteuid(), 0):
        raise SecretsError(f"{path} belongs to another user", f"take it over: chown -R $(id -u) {folder}")


def _write(file: Path, data: bytes, mode: int) -> None:
    """Write beside the file, then rename: a crash leaves the old one or the new one."""
    beside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as sink:
            sink.write(data)
            sink.flush()
            os.fsync(sink.fileno())
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
