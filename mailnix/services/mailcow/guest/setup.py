"""Lay Mailcow's pinned tree down, put our settings and this machine's secrets on top, load images that came along.

Run before every start of Mailcow; where nothing changed it does nothing. What it lays is checked against the pinned
NAR hash, wherever it came from.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import database, images, restoring, settings
from .nar import nar_hash
from .tree import CONF, YOURS, Carried, carry_over, finish_swap, is_whole, lay, read_record, swap, write

SAMPLE = "data/assets/ssl-example"
SECRET = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


class SetupError(RuntimeError):
    """One clear sentence about why Mailcow cannot be set up."""


@dataclass(frozen=True)
class Source:
    """The pinned source."""

    tag: str
    rev: str
    nar_hash: str
    url: str


@dataclass(frozen=True)
class Paths:
    """Where things are on a machine; tests put them elsewhere."""

    root: Path = Path("/var/lib/mailcow")
    settings: Path = Path("/etc/mailnix/mailcow")
    source: Path = Path("/usr/share/mailcow-source")
    credentials: Path = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/run/credentials/mailcow.service"))

    def beside(self, suffix: str) -> Path:
        """A folder next to the tree, on the same file system."""
        return self.root.with_name(f"{self.root.name}.{suffix}")


def say(text: str) -> None:
    """A line for the journal, or for a person whose terminal may be gone."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def command(argv: Sequence[str], *, cwd: Path | None = None, stdin: str = "") -> str:
    """Run a program; gives what it printed. Raises SetupError with its last line of complaint."""
    try:
        done = subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise SetupError(f"{argv[0]}: {error.strerror}") from None
    if done.returncode != 0:
        complaint = done.stderr.strip().splitlines() or ["no reason given"]
        raise SetupError(f"{' '.join(argv[:3])}: status {done.returncode}: {complaint[-1]}")
    return done.stdout


def lay_tree(source: Source, paths: Paths) -> None:
    """Have the tree at the pinned revision, from the image, the tree before, or the internet."""
    new = paths.beside("new")
    finish_swap(paths.root, new)
    record = read_record(paths.root)
    if record is not None and record.rev == source.rev:
        return
    _lay_new(source, paths, new)
    carried = carry_over(paths.root, new) if paths.root.exists() else Carried()
    swap(paths.root, new, paths.beside("previous"), lambda: stop(paths.root))
    say(f"Mailcow {source.tag} laid at {paths.root}, {carried.own} files of our own kept")
    _tell(carried, paths.beside("previous"))


def _tell(carried: Carried, previous: Path) -> None:
    """Say what became of edits by hand."""
    for path in carried.merged:
        say(f"{path} was edited: the edits are in Mailcow's new one")
    for path in carried.beside:
        say(f"{path} was edited where Mailcow changed it, too: Mailcow's stands, yours is {path}{YOURS}")
    for path in carried.replaced:
        say(f"{path} was edited: Mailcow's new one stands, yours is {previous / path}")


def _lay_new(source: Source, paths: Paths, new: Path) -> None:
    before = paths.beside("previous")
    previous = read_record(before)
    if paths.source.is_dir():
        _check(paths.source, source)
        lay(paths.source, new, source.rev)
    elif previous is not None and previous.rev == source.rev and is_whole(before, previous):
        say(f"going back to the tree before, {source.tag}")
        lay(before, new, source.rev, previous.paths)
    else:
        with tempfile.TemporaryDirectory(dir=paths.root.parent, prefix="mailcow.fetch.") as work:
            fetched = _fetch(source, Path(work))
            _check(fetched, source)
            lay(fetched, new, source.rev)
    for name in ("key.pem", "cert.pem"):  # a key that the whole world has
        (new / SAMPLE / name).unlink(missing_ok=True)


def _check(folder: Path, source: Source) -> None:
    actual = nar_hash(folder)
    if actual != source.nar_hash:
        raise SetupError(f"{folder} is not Mailcow {source.tag}: its hash is {actual}, wanted {source.nar_hash}")


def _fetch(source: Source, work: Path) -> Path:
    """The tree of the revision, without its history."""
    say(f"fetching Mailcow {source.tag} ({source.rev[:12]}) from {source.url}")
    git, tree, archive = work / "git", work / "tree", work / "tree.tar"
    tree.mkdir()
    command(["git", "init", "--quiet", "--bare", str(git)])
    command(["git", "-C", str(git), "fetch", "--quiet", "--depth=1", source.url, source.rev])
    command(["git", "-C", str(git), "archive", f"--output={archive}", source.rev])
    command(["tar", "-x", "--no-same-owner", "-f", str(archive), "-C", str(tree)])
    return tree


def stop(root: Path) -> None:
    """Take down the containers that run from `root` (after power loss Docker starts them by itself)."""
    if (root / "docker-compose.yml").exists() and (root / CONF).exists():
        command(["docker", "compose", "down"], cwd=root)


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


def values(path: Path) -> dict[str, str]:
    """The variables of a mailcow.conf, empty where there is none."""
    if not path.exists():
        return {}
    lines = path.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


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


def paths_of(config: Mapping[str, Any]) -> Paths:
    """Where things are: the usual places unless `config` names others, as NixOS does for what is in its store."""
    return replace(Paths(), **{name: Path(path) for name, path in config.get("paths", {}).items()})


def set_up(config: Mapping[str, Any], paths: Paths) -> None:
    """All of it; raises SetupError."""
    source = Source(**config["source"])
    hostname = str(config["hostname"])
    secrets = read_secrets(config["secrets"], paths.credentials)
    restoring.resume(paths.root, stop, say)
    lay_tree(source, paths)
    files = described(config.get("settings"), paths.settings)
    conf = files.pop(CONF)[0].decode()
    furnish(source, hostname, paths.root)
    if settings.apply(files, merge(conf, settle_database(secrets, paths.root)), paths.root, stop):
        say(f"settings written, {len(files) + 1} files")


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
