"""Lay Mailcow's pinned tree down, put our settings and this machine's secrets on top, load images that came along.

Run before every start of Mailcow; where nothing changed it does nothing. What it lays is checked against the pinned
NAR hash, wherever it came from.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import database, databases, images, restoring, settings
from .laying import SAMPLE, lay_tree
from .machine import Paths, SetupError, Source, command, paths_of, release_of, say, stop, values
from .tree import CONF, finish_swap, name_release, read_record, write

SECRET = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


def described(names: Iterable[str] | None, folder: Path) -> dict[str, tuple[bytes, int]]:
    """Our files: relative path to bytes and mode. `names` are those that count; None stands for all in `folder`.

    On NixOS the folder is made for one configuration. On Debian it is written over, so files may lie there that a
    description before this one had. Raises SetupError for a name without a file.
    """
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    wanted = files if names is None else sorted(names)
    for name in wanted:
        if name not in files:
            raise SetupError(f"{folder / name} is missing: lay what mailnix emits for this machine once more")
    return {name: (files[name].read_bytes(), 0o755 if os.access(files[name], os.X_OK) else 0o644) for name in wanted}


def merge(conf: str, secrets: Mapping[str, str]) -> str:
    """mailcow.conf with this machine's secrets."""
    lines = [conf.rstrip("\n"), "", *(f"{name}={value}" for name, value in secrets.items())]
    return "\n".join(lines) + "\n"


def settle_database(secrets: Mapping[str, str], root: Path) -> dict[str, str]:
    """The secrets to use: new passwords of the database are changed in it first, or stay the old ones."""
    now = values(root / CONF)
    old = {name: now[name] for name in database.VARIABLES if now.get(name)}
    new = {name: secrets[name] for name in old}
    if old == new:
        return dict(secrets)
    if database.change_passwords(old, new, ("docker", "compose", "--project-directory", str(root)), command):
        say("the database has new passwords")
        return dict(secrets)
    say("the database did not take its new passwords; the old ones stay in use")
    return {**secrets, **old}


def read_secrets(names: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Variable to value, from credentials; raises SetupError for one that is missing or would need quoting."""
    found = {}
    for variable, name in names.items():
        try:
            value = (folder / name).read_text("utf-8").strip()
        except OSError:
            raise SetupError(f"the credential {name} is missing: mailnix secrets push") from None
        if not value or not set(value) <= SECRET:
            raise SetupError(f"the credential {name} may have only letters, digits and '-', and not be empty")
        found[variable] = value
    return found


def furnish(source: Source, hostname: str, root: Path) -> None:
    """What generate_config.sh makes besides mailcow.conf, where it is missing: a first certificate, two small files."""
    _certificate(hostname, root)
    env = root / ".env"
    if not env.is_symlink():
        env.unlink(missing_ok=True)
        env.symlink_to(CONF)
    password = root / "data/conf/rspamd/override.d/worker-controller-password.inc"
    if not password.exists():
        write(password, b"# Set in Mailcow's own pages.\n", 0o644)
    facts = {"VERSION": source.tag, "COMMIT": source.rev, "URL": source.url, "OWNER": "mailcow"}
    facts |= {"REPO": "mailcow-dockerized", "COMMIT_DATE": ""}
    lines = [f'  $MAILCOW_GIT_{name}="{value}";' for name, value in facts.items()]
    lines += ['  $MAILCOW_LAST_GIT_VERSION="";', '  $MAILCOW_BRANCH="master";', "  $MAILCOW_UPDATEDAT=0;"]
    text = "\n".join(["<?php", *lines, "?>", ""])
    write(root / "data/web/inc/app_info.inc.php", text.encode(), 0o644)


def _certificate(hostname: str, root: Path) -> None:
    """A self-signed certificate until ACME has a real one.

    Its issuer must contain "mailcow", or acme-mailcow takes it for somebody's own and never asks for another; where
    the certificate is missing it takes the sample, so that one is ours too.
    """
    ssl, sample = root / "data/assets/ssl", root / SAMPLE
    ssl.mkdir(parents=True, exist_ok=True)
    if not (ssl / "dhparams.pem").exists():
        shutil.copyfile(sample / "dhparams.pem", ssl / "dhparams.pem")
    key, certificate = sample / "key.pem", sample / "cert.pem"
    if not (key.exists() and certificate.exists()):
        _self_signed(hostname, key, certificate)
    if not ((ssl / "cert.pem").exists() and (ssl / "key.pem").exists()):
        write(ssl / "key.pem", key.read_bytes(), 0o600)
        write(ssl / "cert.pem", certificate.read_bytes(), 0o644)


def _self_signed(hostname: str, key: Path, certificate: Path) -> None:
    # fmt: off
    command([
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-sha256", "-days", "3650",
        "-subj", f"/O=mailcow/CN={hostname}", "-addext", f"subjectAltName=DNS:{hostname}",
        "-keyout", str(key), "-out", str(certificate),
    ])
    # fmt: on
    key.chmod(0o600)


def set_up(config: Mapping[str, Any], paths: Paths) -> None:
    """All of it; raises SetupError."""
    source = Source(**config["source"])
    hostname = str(config["hostname"])
    secrets = read_secrets(config["secrets"], paths.credentials)
    restoring.resume(paths.root, stop, say)
    finish_swap(paths.root, paths.beside("new"))
    if laid := read_record(paths.root):
        change = databases.read_change(config.get("changes"))
        databases.settle(paths.root, release_of(config), laid.release, change, databases.Hands())
    lay_tree(source, paths)
    files = described(config.get("settings"), paths.settings)
    conf = files.pop(CONF)[0].decode()
    furnish(source, hostname, paths.root)
    if settings.apply(files, merge(conf, settle_database(secrets, paths.root)), paths.root, stop):
        say(f"settings written, {len(files) + 1} files")
    name_release(paths.root, release_of(config))


def have_images(digests: Mapping[str, str], paths: Paths, came: Sequence[str], ask: images.Command = command) -> None:
    """Those images that this tree runs as the pin says, what `came` with a disk aside; raises SetupError."""
    if not digests:
        return
    words = ("docker", "compose", "--project-directory", str(paths.root), "config", "--images")
    run = set(ask(words).split())
    pinned = {name: digest for name, digest in digests.items() if name in run}
    images.pull(pinned, came, paths.beside("images.json"), ask, say)


def main(path: str = "/etc/mailnix/mailcow.json") -> int:
    """Set Mailcow up on this machine."""
    os.umask(0o022)
    try:
        config = json.loads(Path(path).read_text("utf-8"))
        paths = paths_of(config)
        set_up(config, paths)
        have_images(config.get("images", {}), paths, images.load_from_disk(command, say))
    except (SetupError, restoring.Busy, OSError, ValueError, KeyError) as error:
        say(f"Mailcow cannot be set up: {error}")
        return 1
    return 0
