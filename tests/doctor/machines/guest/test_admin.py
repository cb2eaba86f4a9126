"""Whether the password that all the world knows is gone, without trying it, and without telling another."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mailnix.doctor.machines.guest import admin
from mailnix.doctor.machines.guest.here import CouldNotAsk
from mailnix.services.mailcow.guest.admin import FILE, set_admin_password
from rig.servers import running
from tests.doctor.machines.guest.fake import Fake

MADE = "2026-11-20 10:00:00"
FIRST = "{SSHA256}K8eVJ6YsZbQCfuJvSUbaQRLr0HPLz5rC9IAp0PAFl0tmNDBkMDc0NDAyOTAxN2Rk"
"""As Mailcow's init_db.inc.php has it."""


def served(body: str) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            well = self.headers["X-API-Key"] == "key" and self.path == "/get/admin/all"
            self.send_response(200 if well else 401)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *values: object) -> None:
            return

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def mailcow(fake: Fake) -> Iterator[dict[str, Any]]:
    """What the question is told; an admin that was made at MADE."""
    fake.file("/store/key", "key\n")
    fake.file("/store/password", "a long one\n")
    with running(served(json.dumps([{"username": "admin", "created": MADE}]))) as port:
        yield told(port)


def told(port: int, name: str = "admin") -> dict[str, Any]:
    return {
        "admin": name,
        "api": f"http://127.0.0.1:{port}",
        "hostname": "mail.example.org",
        "key": "/store/key",
        "password": "/store/password",
        "fingerprint": f"/state/{FILE}",
        "project": "mailcowdockerized",
        "database": "mysql-mailcow",
        "php": "php-fpm-mailcow",
    }


def provisioned(fake: Fake, password: str, made: str = MADE) -> None:
    """What the real provisioner leaves behind."""

    class Api:
        def items(self, _path: str) -> list[dict[str, str]]:
            return [{"username": "admin", "created": made}]

        def edit(self, *_values: object) -> None:
            return

    state = fake.folder / "root" / "state"
    state.mkdir()
    set_admin_password(Api(), password, Path(state), lambda _text: None)  # type: ignore[arg-type]


def test_a_password_that_the_provisioner_set_is_known(fake: Fake, mailcow: dict[str, Any]) -> None:
    provisioned(fake, "a long one")
    assert admin.admin(fake.here, mailcow) == {"there": True, "set": True, "first": None}


@pytest.mark.parametrize(("password", "made"), [("another", MADE), ("a long one", "2026-11-25 09:00:00")])
def test_a_password_that_changed_since_or_an_admin_that_was_made_anew_is_not(
    fake: Fake, mailcow: dict[str, Any], password: str, made: str
) -> None:
    provisioned(fake, password, made)
    assert admin.admin(fake.here, mailcow)["set"] is False


@pytest.mark.parametrize("text", ["", "{", '{"salt": "zz"}', "[]"])
def test_a_record_that_is_none_is_none(fake: Fake, mailcow: dict[str, Any], text: str) -> None:
    fake.file(f"/state/{FILE}", text)
    assert admin.admin(fake.here, mailcow)["set"] is False


def hashed(password: str) -> str:
    salt = b"saltsaltsaltsalt"
    return "{SSHA256}" + base64.b64encode(hashlib.sha256(password.encode() + salt).digest() + salt).decode()


@pytest.mark.parametrize(
    ("kept", "first"),
    [(FIRST, True), (hashed("moohoo"), True), (hashed("a long one"), False), ("", None), ("{CRYPT}x", None)],
)
def test_mailcows_database_tells_the_first_password_from_others(
    fake: Fake, mailcow: dict[str, Any], kept: str, first: bool | None
) -> None:
    fake.file("/kept", kept)
    fake.program("docker", f'[ "$1" = ps ] && echo c1 && exit; cat > /dev/null; cat {fake.folder}/root/kept')
    assert admin.admin(fake.here, mailcow)["first"] is first


@pytest.mark.parametrize(("verified", "first"), [("yes", True), ("no", False)])
def test_a_hash_of_another_kind_is_left_to_mailcows_own_php(
    fake: Fake, mailcow: dict[str, Any], verified: str, first: bool
) -> None:
    fake.program(
        "docker",
        f"""case "$1" in ps) echo c1; exit ;; esac
case "$4" in php) cat > {fake.folder}/told; echo {verified} ;; *) echo '{{BLF-CRYPT}}$2y$10$abc' ;; esac""",
    )
    assert admin.admin(fake.here, mailcow)["first"] is first
    assert (fake.folder / "told").read_text() == "$2y$10$abc"


def test_an_admin_of_another_name_is_nobody_that_all_the_world_knows(fake: Fake, mailcow: dict[str, Any]) -> None:
    assert admin.admin(fake.here, {**mailcow, "admin": "root"}) == {"there": False, "set": False, "first": None}


@pytest.mark.parametrize("body", ["", "{}", '{"type": "error"}', "[1, 2]", "\0"])
def test_an_api_that_answers_something_else_is_a_reason(fake: Fake, body: str) -> None:
    fake.file("/store/key", "key\n")
    with running(served(body)) as port, pytest.raises(CouldNotAsk, match="Mailcow's API"):
        admin.admin(fake.here, told(port))


def test_an_api_that_refuses_the_key_is_a_reason(fake: Fake) -> None:
    fake.file("/store/key", "wrong\n")
    with running(served("[]")) as port, pytest.raises(CouldNotAsk, match="401"):
        admin.admin(fake.here, told(port))
