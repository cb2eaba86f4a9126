from __future__ import annotations

import base64
import json
from pathlib import Path

from mailnix import Domain, Internal, Mailbox, Proxy, Topology
from mailnix.plan import derive
from mailnix.secrets import init
from mailnix.secrets.folder import Folder
from mailnix.secrets.search import CHUNK, foreign_secrets, forms, mailbox_passwords, search


def test_a_secret_is_found_across_the_border_of_two_pieces(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    secret = b"correct-horse-battery"
    with disk.open("wb") as stream:
        stream.write(bytes(CHUNK - 5) + secret)
    assert search([disk], {"it": [secret], "other": [b"something-else"]}) == ("it",)


def test_a_secret_is_found_behind_a_hole(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as stream:
        stream.truncate(1 << 33)
        stream.seek(1 << 32)
        stream.write(b"correct-horse-battery")
    assert search([disk], {"it": [b"correct-horse-battery"]}) == ("it",)


def test_keys_are_looked_for_line_by_line_and_bundles_value_by_value() -> None:
    line = base64.b64encode(bytes(range(48))).decode()
    pem = f"-----BEGIN PRIVATE KEY-----\nFIRST\n{line}\n{line}x\n-----END PRIVATE KEY-----\n"
    bundle = json.dumps({"example.org": {"selector": "a-long-selector", "private_key": pem}}).encode()
    assert set(forms(bundle)) == {line.encode(), f"{line}x".encode()}


def test_secrets_of_home_are_found_where_they_stand_and_nowhere_else(tmp_path: Path) -> None:
    topology = Topology(
        "mail.example.org",
        [Proxy("proxy", ipv4="203.0.113.10")],
        Internal("internal"),
        [Domain("example.org", mailboxes=[Mailbox("alice")])],
    )
    plan, folder, disk = derive(topology), tmp_path / "secrets", tmp_path / "disk"
    init(plan, folder)
    names = [c.name for c in plan.internal.credentials if c.source is None]
    for name in names:
        secret = Folder(folder).get("internal", name)
        assert secret is not None
        disk.write_bytes(b"padding " + secret.reveal() + b" padding")
        assert name in foreign_secrets(plan, folder, "internal", [disk])
    proxy = b"".join(s.reveal() for c in plan.proxies[0].credentials if (s := Folder(folder).get("proxy", c.name)))
    disk.write_bytes(proxy)
    assert foreign_secrets(plan, folder, "internal", [disk]) == ()
    assert list(json.loads(mailbox_passwords(plan, folder).reveal())) == ["alice@example.org"]
