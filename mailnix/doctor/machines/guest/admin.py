"""Mailcow's administrator: has somebody given it another password than the one that all the world knows?

Mailcow tells nobody a password. But the provisioner keeps a fingerprint of what it set, and of when that admin was
made; and where there is Mailcow's own database, what it keeps of the password is compared with the well-known one. No
login is tried, and nothing secret leaves the machine.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import urllib.request
from typing import Any

from .here import CouldNotAsk, Here
from .home import container

PATIENCE = 30.0  # seconds for Mailcow's API
FIRST = "moohoo"
"""The password that Mailcow makes its admin with (its inc/init_db.inc.php)."""

SELECT = "SELECT password FROM admin WHERE username = '{}'"
DATABASE = ("sh", "-c", 'MYSQL_PWD=$MYSQL_ROOT_PASSWORD exec mariadb --user=root --skip-column-names "$MYSQL_DATABASE"')
VERIFY = 'echo password_verify($argv[1], trim(fgets(STDIN))) ? "yes" : "no";'


def admin(here: Here, told: Any) -> Any:
    """Whether there is an admin of the well-known name, whether the password that we set is known to be its, and
    whether it has the first one: None where nobody can tell.
    """
    rows = {row["username"]: row for row in _asked(here, told, "get/admin/all")}
    if told["admin"] not in rows:
        return {"there": False, "set": False, "first": None}
    made = str(rows[told["admin"]].get("created", ""))
    try:
        kept = json.loads(here.text(told["fingerprint"]))
        fingerprint = hashlib.scrypt(
            (made + here.text(told["password"]).strip()).encode(), salt=bytes.fromhex(kept["salt"]), n=2**14, r=8, p=1
        )
        known = secrets.compare_digest(fingerprint.hex(), str(kept["fingerprint"]))
    except (OSError, ValueError, KeyError, TypeError):
        known = False
    return {"there": True, "set": known, "first": _first(here, told)}


def _asked(here: Here, told: Any, path: str) -> list[dict[str, Any]]:
    """What Mailcow's API lists; raises CouldNotAsk."""
    headers = {"X-API-Key": here.text(told["key"]).strip(), "Host": told["hostname"]}
    request = urllib.request.Request(f"{told['api']}/{path}", headers=headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=PATIENCE) as reply:
            found = json.loads(reply.read(1 << 22))
    except (OSError, ValueError) as error:
        raise CouldNotAsk(f"Mailcow's API does not answer: {error}") from None
    if isinstance(found, list) and all(isinstance(row, dict) for row in found):
        return found
    raise CouldNotAsk("Mailcow's API answers with something else")


def _first(here: Here, told: Any) -> bool | None:
    """Whether the database has the hash of the first password."""
    try:
        database = container(here, told["project"], told["database"])
        statement = SELECT.format(told["admin"]).encode()
        kept = here.ask("docker", "exec", "-i", database, *DATABASE, stdin=statement).strip()
        scheme, _, rest = kept.removeprefix("{").partition("}")
        match scheme:
            case "SSHA256":
                whole = base64.b64decode(rest)
                return secrets.compare_digest(hashlib.sha256(FIRST.encode() + whole[32:]).digest(), whole[:32])
            case "BLF-CRYPT":
                php = container(here, told["project"], told["php"])
                words = ("docker", "exec", "-i", php, "php", "-r", VERIFY, FIRST)
                return here.ask(*words, stdin=rest.encode()).strip() == "yes"
    except (CouldNotAsk, ValueError):
        pass
    return None
