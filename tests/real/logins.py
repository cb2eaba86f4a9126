"""Logins, asked of Mailcow as its own programs ask: mailcowauth.php for mail programs, the pages for the admin."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPConnection
from typing import Final

from mailnix.model import ports
from rig.mailcow import Mailcow

NGINX, PORT = 4, 9082
SECONDS: Final = 60.0


def accepted(machine: Mailcow, user: str, password: str, service: str) -> bool:
    """Whether Dovecot would let somebody in ("imap"), or Postfix ("smtp")."""
    question = {"username": user, "password": password, "real_rip": "198.51.100.7", "service": service}
    url = f"https://{machine.network}.{NGINX}:{PORT}/"
    request = urllib.request.Request(url, json.dumps(question).encode(), {"Content-Type": "application/json"})
    context = ssl._create_unverified_context()  # Mailcow's own, self-signed
    with machine.space.sockets():
        try:
            with urllib.request.urlopen(request, context=context, timeout=SECONDS) as reply:
                return bool(json.loads(reply.read())["success"])
        except urllib.error.HTTPError:
            return False


def admin_accepted(machine: Mailcow, password: str) -> bool:
    """Whether the admin's pages let `admin` in: they lead on to the dashboard then."""
    form = urllib.parse.urlencode({"login_user": "admin", "pass_user": password})
    kind = {"Host": machine.plan.topology.hostname, "Content-Type": "application/x-www-form-urlencoded"}
    with machine.space.sockets():
        connection = HTTPConnection(str(machine.plan.internal.ipv4), ports.MAILCOW_HTTP, timeout=SECONDS)
        connection.request("POST", "/admin/", form, kind)
        reply = connection.getresponse()
        connection.close()
    return (reply.status, reply.getheader("Location")) == (302, "/admin/dashboard")
