"""A Mailcow API that answers as the real one does (its PHP was read for it), in this process, on a local port."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from mailnix import Alias, Domain, Internal, Mailbox, Proxy, Topology
from mailnix.services.mailcow.guest.api import Api
from rig.servers import running
from tests.services.mailcow.machine import Machine, made

KEY = "aaaaaa-bbbbbb-cccccc-dddddd-eeeeee"
HOST = "mail.example.org"
MIB = 2**20
Row = dict[str, Any]


def success(*message: str) -> Row:
    return {"type": "success", "msg": list(message), "log": []}


def danger(*message: str) -> Row:
    return {"type": "danger", "msg": list(message), "log": []}


class FakeMailcow:
    """Domains, mailboxes, aliases and keys; `writes` has every change that was asked for."""

    def __init__(self) -> None:
        self.domains: dict[str, Row] = {}
        self.mailboxes: dict[str, Row] = {}
        self.aliases: dict[str, Row] = {}
        self.dkim: dict[str, Row] = {}
        self.admins: dict[str, Row] = {"admin": {"username": "admin", "active": 1, "created": "2026-11-22 20:00:00"}}
        self.passwords: dict[str, str] = {"admin": "moohoo"}
        self.writes: list[tuple[str, Any]] = []
        self.raw: list[tuple[int, str]] = []  # answers to give before the real ones: status, body
        self.unlucky = 0  # so many imports of keys are refused for what other calls left behind
        self.silent: dict[str, str] = {}  # path → a word of the body: such calls end in an error of SQL
        self.generated: list[str] = []  # domains for which Mailcow had to make its own DKIM key

    def get(self, path: str) -> object:
        match path.split("/"):
            case ["get", "domain", "all"]:
                return list(self.domains.values())
            case ["get", "mailbox", "all", name]:
                return [row for row in self.mailboxes.values() if row["domain"] == name]
            case ["get", "alias", "all"]:
                return list(self.aliases.values())
            case ["get", "dkim", name]:
                return self.dkim.get(name, {})
            case ["get", "alias-domain", "all"]:
                return []
            case ["get", "admin", "all"]:
                return list(self.admins.values())
        raise AssertionError(f"nobody asks for {path}")

    def post(self, path: str, body: Any) -> object:
        self.writes.append((path, body))
        action, kind = path.replace("-", "_").split("/")
        if action == "edit":
            return [getattr(self, f"edit_{kind}")(item, body["attr"]) for item in body["items"]]
        if action == "delete":
            return [getattr(self, f"delete_{kind}")(item) for item in body]
        return [getattr(self, f"add_{kind}")(body)]

    def add_dkim_import(self, attr: Row) -> Row:
        if self.unlucky:
            self.unlucky -= 1
            return danger("private_key_error", "error:0909006C:PEM routines:get_name:no start line")
        key = load_pem_private_key(attr["private_key_file"].encode(), None)
        if attr["domain"] in self.dkim and not attr["overwrite_existing"]:
            return danger("dkim_domain_or_sel_exists", attr["domain"])
        der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pubkey = base64.b64encode(der).decode()
        self.dkim[attr["domain"]] = {"pubkey": pubkey, "dkim_selector": attr["dkim_selector"], "privkey": ""}
        return success("dkim_added", attr["domain"])

    def add_domain(self, attr: Row) -> Row:
        name = attr["domain"]
        if name == HOST:
            return danger("domain_cannot_match_hostname")
        if name in self.domains:
            return danger("domain_exists", name)
        if not 0 < attr["defquota"] <= attr["maxquota"] <= attr["quota"]:
            return danger("mailbox_quota_exceeds_domain_quota")
        if name not in self.dkim:
            self.generated.append(name)
        self.domains[name] = {"domain_name": name, "relayhost": "0", **self._domain_row(attr)}
        if attr["restart_sogo"]:
            return {"type": "warning", "msg": "domain_added_sogo_failed"}
        return success("domain_added", name)

    @staticmethod
    def _domain_row(attr: Row) -> Row:
        return {
            "max_num_mboxes_for_domain": attr["mailboxes"],
            "max_num_aliases_for_domain": attr["aliases"],
            "max_quota_for_domain": attr["quota"] * MIB,
            "max_quota_for_mbox": attr["maxquota"] * MIB,
            "active": attr["active"],
            "tags": attr["tags"],
        }

    def edit_domain(self, name: str, attr: Row) -> Row:
        row = self.domains[name]
        now = {
            "mailboxes": row["max_num_mboxes_for_domain"],
            "aliases": row["max_num_aliases_for_domain"],
            "quota": row["max_quota_for_domain"] // MIB,
            "maxquota": row["max_quota_for_mbox"] // MIB,
            "active": row["active"],
        }
        row.update(self._domain_row({**now, **attr, "tags": [*row["tags"], *attr.get("tags", ())]}))
        return success("domain_modified", name)

    def add_mailbox(self, attr: Row) -> Row:
        address = f"{attr['local_part']}@{attr['domain']}"
        domain = self.domains.get(attr["domain"])
        if domain is None:
            return danger("domain_not_found", attr["domain"])
        if address in self.mailboxes:
            return danger("object_exists", address)
        if address in self.aliases:
            return danger("is_alias", address)
        if not attr["password"] or attr["password"] != attr["password2"]:
            return danger("password_complexity")
        if attr["quota"] * MIB > domain["max_quota_for_mbox"]:
            return danger("mailbox_quota_exceeded", str(domain["max_quota_for_mbox"]))
        facts = {key: attr[key] for key in ("domain", "name", "active", "tags")}
        self.mailboxes[address] = {"username": address, "quota": str(attr["quota"] * MIB), **facts}
        self.passwords[address] = attr["password"]
        self.edit_rl_mbox(address, attr)
        return success("mailbox_added", address)

    def edit_mailbox(self, address: str, attr: Row) -> Row:
        row = self.mailboxes[address]
        if "password" in attr:
            self.passwords[address] = attr["password"]
        row.update({key: attr[key] for key in ("name", "active") if key in attr})
        row["tags"] = [*row["tags"], *attr.get("tags", ())]
        if "quota" in attr:
            row["quota"] = str(attr["quota"] * MIB)
        return success("mailbox_modified", address)

    def edit_rl_mbox(self, address: str, attr: Row) -> Row:
        limit = {"value": str(attr["rl_value"]), "frame": attr["rl_frame"]} if attr["rl_value"] else False
        self.mailboxes[address] |= {"rl": limit, "rl_scope": "mailbox" if limit else "domain"}
        return success("rl_saved", address)

    def add_alias(self, attr: Row) -> Row:
        address = attr["address"]
        if address in self.aliases or address in self.mailboxes:
            return danger("is_alias_or_mailbox", address)
        row = {"id": len(self.writes), "domain": address.partition("@")[2], "private_comment": "", "active": 0}
        self.aliases[address] = {**row, **attr}
        return success("alias_added", address)

    def edit_alias(self, number: int, attr: Row) -> Row:
        row = next(row for row in self.aliases.values() if row["id"] == number)
        row.update(attr)
        return success("alias_modified", row["address"])

    def delete_alias(self, number: int) -> Row:
        address = next(address for address, row in self.aliases.items() if row["id"] == number)
        del self.aliases[address]
        return success("alias_removed", address)

    def edit_admin(self, name: str, attr: Row) -> Row:
        switches = {switch: str(int(attr.get(switch, 0))) for switch in ("force_tfa", "force_pw_update")}
        self.admins[name]["attributes"] = switches  # what is not sent is off
        self.passwords[name] = attr["password"]
        return success("admin_modified", name)


class Handler(BaseHTTPRequestHandler):
    """HTTP in front of it: the key, JSON, and 200 for refusals too."""

    mailcow: FakeMailcow

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        path = self.path.removeprefix("/api/v1/")
        word = self.mailcow.silent.get(path)
        if self.mailcow.raw:
            status, text = self.mailcow.raw.pop(0)
        elif self.headers["X-API-Key"] != KEY or self.headers["Host"] != HOST:
            status, text = 401, json.dumps({"type": "error", "msg": "authentication failed"})
        elif word is not None and word in str(body):
            status, text = 200, ""
        else:
            found = self.mailcow.get(path) if body is None else self.mailcow.post(path, body)
            status, text = 200, json.dumps(found or {})
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mailcow() -> FakeMailcow:
    return FakeMailcow()


@pytest.fixture
def base(mailcow: FakeMailcow) -> Iterator[str]:
    handler = type("Bound", (Handler,), {"mailcow": mailcow})
    with running(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as port:
        yield f"http://127.0.0.1:{port}/api/v1"


@pytest.fixture
def api(base: str) -> Api:
    return Api(base, KEY, HOST, timeout=120)


@pytest.fixture(scope="session")
def pem() -> Callable[[str], str]:
    """A DKIM key for a name, the same at every call."""
    keys: dict[str, str] = {}

    def make(name: str) -> str:
        if name not in keys:
            key = rsa.generate_private_key(65537, 1024)  # short: only its form matters
            keys[name] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return keys[name]

    return make


@pytest.fixture
def topology() -> Topology:
    return Topology(
        hostname=HOST,
        proxies=[Proxy("proxy", ipv4="203.0.113.10")],
        internal=Internal("internal"),
        domains=[
            Domain(
                "example.org",
                mailboxes=[Mailbox("alice"), Mailbox("bob", quota="2 GiB", name="Bob B.")],
                aliases=[Alias("postmaster", to=["alice"])],
            ),
        ],
    )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine for the setup program, with docker and openssl in PATH that only note what they are asked."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return made(tmp_path)
