"""The password of Mailcow's `admin`: away from the well-known first one, and then only when its credential changes.

Mailcow cannot be asked for a password, so a fingerprint of what was set is kept; it includes when the admin was made,
so that a database that was made anew gets its password again.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .api import Api

ADMIN = "admin"
FILE = "admin.json"


def set_admin_password(api: Api, password: str, state: Path, say: Callable[[str], None]) -> int:
    """Set the password where it is not known to be set; gives the number of changes. Raises ApiError."""
    rows = {row["username"]: row for row in api.items("get/admin/all")}
    if ADMIN not in rows:
        say(f"there is no admin called {ADMIN!r}: whoever renamed it keeps their password")
        return 0
    made = str(rows[ADMIN].get("created", ""))
    if _known(state / FILE, made + password):
        return 0
    api.edit("admin", ADMIN, {**_switches(rows[ADMIN]), "password": password, "password2": password, "active": 1})
    salt = secrets.token_bytes(16)
    text = json.dumps({"salt": salt.hex(), "fingerprint": _fingerprint(salt, made + password)})
    (state / FILE).write_text(text, "utf-8")
    say("password of Mailcow's admin set")
    return 1


def _switches(row: dict[str, Any]) -> dict[str, int]:
    """What Mailcow asks of the admin now, for an edit that does not send it switches it off: two factors above all."""
    attributes = row.get("attributes") or {}
    return {name: int(attributes.get(name) or 0) for name in ("force_tfa", "force_pw_update")}


def _known(path: Path, text: str) -> bool:
    try:
        data = json.loads(path.read_text("utf-8"))
        return secrets.compare_digest(_fingerprint(bytes.fromhex(data["salt"]), text), str(data["fingerprint"]))
    except (OSError, ValueError, KeyError):
        return False


def _fingerprint(salt: bytes, text: str) -> str:
    return hashlib.scrypt(text.encode(), salt=salt, n=2**14, r=8, p=1).hex()
