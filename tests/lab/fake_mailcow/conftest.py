"""The fake Mailcow's API in this process: a real database, Redis as a dictionary, passwords as they are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailnix.lab.fake_mailcow.guest.api.resp import Redis
from mailnix.lab.fake_mailcow.guest.api.routes import Routes
from mailnix.lab.fake_mailcow.guest.api.store import Store

HOST = "mail.example.org"
DOMAIN = {"domain": "example.org", "active": 1}
MAILBOX = {
    "local_part": "alice",
    "domain": "example.org",
    "name": "Alice",
    "password": "secret1",
    "password2": "secret1",
    "quota": 1024,
    "active": 1,
}


class FakeRedis(Redis):
    """Hashes in memory."""

    def __init__(self) -> None:
        self.hashes: dict[str, dict[str, str]] = {}

    def __call__(self, *words: str) -> object:
        command, name, field, *rest = words
        found = self.hashes.setdefault(name, {})
        match command:
            case "HGET":
                return found.get(field)
            case "HSET":
                found[field] = rest[0]
                return 1
            case "HDEL":
                return int(found.pop(field, None) is not None)
        raise AssertionError(words)


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "mailcow" / "mailcow.sqlite"


@pytest.fixture
def store(database: Path) -> Store:
    return Store(database)


@pytest.fixture
def routes(store: Store, redis: FakeRedis) -> Routes:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Routes(store, redis, HOST, lambda password: "{PLAIN}" + password)


Post = Callable[[str, object], list[Any]]
"""Answers of a call: messages of what was done, and ("no", message) for refusals."""


@pytest.fixture
def post(routes: Routes) -> Post:
    def call(path: str, body: object) -> list[Any]:
        status, found = routes.call("POST", path, body, write=True)
        assert status == 200
        parts: list[Any] = found if isinstance(found, list) else [found]
        return [part["msg"] if part["type"] == "success" else ("no", part["msg"]) for part in parts]

    return call


Get = Callable[[str], Any]


@pytest.fixture
def get(routes: Routes) -> Get:
    def call(path: str) -> Any:
        status, found = routes.call("GET", path, None, write=False)
        assert status == 200
        return found

    return call


@pytest.fixture(scope="session")
def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def import_key(post: Post, pem: str) -> Callable[..., list[Any]]:
    """Import a key for example.org, as often as it is refused at random."""

    def imported(**attributes: object) -> list[Any]:
        body = {"domain": "example.org", "dkim_selector": "mail", "private_key_file": pem, **attributes}
        while (said := post("add/dkim_import", body))[0][1][0] == "private_key_error":
            pass
        return said

    return imported


@pytest.fixture
def filled(post: Post, import_key: Callable[..., list[Any]]) -> None:
    """A domain with a key and a mailbox."""
    import_key()
    post("add/domain", DOMAIN)
    post("add/mailbox", MAILBOX)
