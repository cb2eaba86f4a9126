"""A proxy with a key of its own, its secrets, and its script below a folder."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from attrs import define
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mailnix import run, secrets
from mailnix.doctor.here import Served
from mailnix.formats.text import template
from mailnix.model import acme
from mailnix.plan import Plan, derive
from mailnix.plan.credentials import DANE_KEY
from mailnix.run import Completed
from mailnix.services.dane import render
from mailnix.services.dane.values import CERTIFICATE, KEPT, SHOWN
from tests.services.conftest import tool, topology

HOST = "mail.example.org"


@define
class Keeper:
    """The units' script with its places below a folder; `words` stand before its commands.

    `made` is a secrets folder to begin with.
    """

    plan: Plan
    folder: Path
    words: tuple[str | Path, ...] = ()
    authorities: Path = Path("/nonexistent")
    made: Path | None = None

    def __attrs_post_init__(self) -> None:
        for each in (KEPT, SHOWN, render.FOLDER):
            self.at(each).mkdir(parents=True)
        (self.folder / "script").write_text(template(render.SERVICE, render.SCRIPT))
        (self.folder / "client").write_text(self.moved(render.client(self.plan)))
        if self.made is not None:
            shutil.copytree(self.made, self.secrets)
        secrets.init(self.plan, self.secrets)

    @property
    def secrets(self) -> Path:
        """The secrets folder."""
        return self.folder / "secrets"

    @property
    def shown(self) -> Path:
        """Where haraka-certificate takes key and certificate from."""
        return self.at(SHOWN)

    @property
    def kept(self) -> Path:
        """Where certificates of the authority's are kept."""
        return self.at(KEPT)

    def at(self, path: str) -> Path:
        """Where a path of the machine's is here."""
        return self.folder / "root" / path.lstrip("/")

    def moved(self, text: str) -> str:
        """A text with the machine's places, with those here."""
        return text.replace(KEPT, str(self.kept)).replace(SHOWN, str(self.shown))

    def served(self) -> Served:
        """What Harakas are given to show."""
        der = x509.load_pem_x509_certificate(self.at(CERTIFICATE).read_bytes()).public_bytes(Encoding.DER)
        return Served(HOST, der, "")

    def silence_authority(self) -> None:
        """Nobody answers for it."""
        settings = self.folder / "client"
        settings.write_text(settings.read_text().replace(acme.DIRECTORY, "https://127.0.0.1:1/directory"))

    def show(self, *, check: bool = True) -> Completed:
        """As the unit at boot does."""
        return self._run(render.show_unit("script", self.plan.proxies[0]), check=check)

    def renew(self, *, check: bool = True) -> Completed:
        """As the timer's unit does."""
        return self._run(render.renew_unit("script", "client", self.plan.proxies[0]), check=check)

    def _run(self, unit: object, *, check: bool = True) -> Completed:
        sections = dict(unit)  # type: ignore[call-overload]  # name and keys of each section
        given = self.secrets / self.plan.proxies[0].name / DANE_KEY
        command = self.moved(sections["Service"]["ExecStart"]).replace(f"%d/{DANE_KEY}", str(given))
        moved = {"script": self.folder / "script", "client": self.folder / "client"}
        moved |= dict.fromkeys(render.AUTHORITIES, self.authorities)
        words = [moved.get(word, word) for word in shlex.split(command)]
        return run.run([*self.words, "sh", *words], check=check, timeout=120)


@pytest.fixture(scope="module")
def described() -> Plan:
    """One proxy."""
    return derive(topology(dane=True))


@pytest.fixture(scope="module")
def made(described: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its secrets folder."""
    folder = tmp_path_factory.mktemp("made") / "secrets"
    secrets.init(described, folder)
    return folder


@pytest.fixture
def keeper(described: Plan, made: Path, tmp_path: Path) -> Keeper:
    """One without an authority."""
    tool("openssl")
    return Keeper(described, tmp_path, made=made)
