"""A container image as `docker load` takes it, made without Docker: one layer, all but /usr.

/usr is a disk that the containers mount; so the image is small, and loading it takes an emulated machine no time.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

IMAGE: Final = "mailnix/fake-mailcow:1"
VMAIL: Final = 5000  # user and group of the mail store, as in Mailcow
LEFT_OUT: Final = ("usr", "dev", "proc", "sys", "boot", "var/cache", "var/lib/dpkg", "var/lib/apt", "var/log", "tmp")
ACCOUNTS: Final = {
    "etc/passwd": f"vmail:x:{VMAIL}:{VMAIL}::/var/vmail:/usr/sbin/nologin\n",
    "etc/group": f"vmail:x:{VMAIL}:\n",
    "etc/shadow": "vmail:*:20000::::::\n",
}
EMPTY: Final = {"usr": 0o755, "dev": 0o755, "proc": 0o755, "sys": 0o755, "tmp": 0o1777, "var/log": 0o755}
EMPTY_LOGS: Final = {"var/log/nginx": 0o755, "data": 0o700, "hooks": 0o755, "web": 0o755, "var/vmail": 0o755}
CONFIG: Final = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "WorkingDir": "/"}


def write_image(debian: Path, target: Path) -> None:
    """Write the image to `target`; `debian` is a tar of the whole installed system."""
    layer = io.BytesIO()
    with tarfile.open(debian) as system, tarfile.open(fileobj=layer, mode="w") as tar:
        for member, data in (*_system(system), *_directories(), *_ours()):
            tar.addfile(member, io.BytesIO(data) if data is not None else None)
    content = layer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": CONFIG,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    )
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = _json([{"Config": name, "RepoTags": [IMAGE], "Layers": [f"{digest}/layer.tar"]}])
    with tarfile.open(target, "w") as tar:
        for path, data in ((f"{digest}/layer.tar", content), (name, config), ("manifest.json", manifest)):
            tar.addfile(_file(path, len(data), 0o644), io.BytesIO(data))


def _json(data: object) -> bytes:
    return json.dumps(data, sort_keys=True).encode()


def _system(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, bytes | None]]:
    """The installed system without what is mounted or not needed, and with an account for the mail store."""
    for member in tar:
        path = member.name.removeprefix("./").rstrip("/")
        if path in (".", "") or any(path == out or path.startswith(f"{out}/") for out in LEFT_OUT):
            continue
        if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
            continue
        source = tar.extractfile(member) if member.isreg() else None
        data = None if source is None else source.read() + ACCOUNTS.get(path, "").encode()
        member.name, member.pax_headers = path, {}
        member.linkname = member.linkname.removeprefix("./") if member.islnk() else member.linkname
        member.size = len(data or b"")
        yield member, data


def _directories() -> Iterator[tuple[tarfile.TarInfo, None]]:
    for path, mode in {**EMPTY, **EMPTY_LOGS}.items():
        member = tarfile.TarInfo(path)
        member.type, member.mode = tarfile.DIRTYPE, mode
        yield member, None


def _ours() -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Our programs, in /fake-mailcow."""
    for path, data in sorted(programs().items()):
        mode = 0o755 if path.endswith(".sh") else 0o644
        yield _file(f"fake-mailcow/{path}", len(data), mode), data


def programs() -> dict[str, bytes]:
    """What goes to /fake-mailcow: entry points, Postfix's queries, and the API as the package `api`."""
    package = files("mailnix.lab.fake_mailcow")
    api = {f"api/{path}": data for path, data in contents(package / "guest" / "api").items()}
    return contents(package / "rootfs") | api


def contents(folder: Traversable, prefix: str = "") -> dict[str, bytes]:
    """Relative path → bytes of every file in a folder of the package, what Python caches left out."""
    found: dict[str, bytes] = {}
    for item in folder.iterdir():
        if item.is_dir() and item.name != "__pycache__":
            found |= contents(item, f"{prefix}{item.name}/")
        elif item.is_file():
            found[prefix + item.name] = item.read_bytes()
    return found


def _file(path: str, size: int, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size, member.mode = size, mode
    return member
