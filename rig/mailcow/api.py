"""Calls to an API of Mailcow's kind, as they are, refusals and odd answers included."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from attrs import frozen

SECONDS: Final = 120.0


@frozen
class Reply:
    """Status and body; a body that is no JSON is "no JSON: " and its beginning."""

    status: int
    body: Any


@frozen
class Caller:
    """Calls to `base`/api/v1 with a key; `sockets` is entered for each, and says whose network it is made in."""

    base: str
    key: str
    host: str
    sockets: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext

    def call(
        self, path: str, body: object = None, *, key: str | None = None, raw: bytes | None = None, method: str = ""
    ) -> Reply:
        """Ask; a body makes it a POST. `raw` is sent as it is. Raises OSError where nobody answers."""
        data = raw if raw is not None or body is None else json.dumps(body).encode()
        headers = {"X-API-Key": self.key if key is None else key, "Host": self.host, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.base}/api/v1/{path}", data, headers, method=method or None)
        with self.sockets():
            try:
                with opener().open(request, timeout=SECONDS) as reply:
                    status, text = reply.status, reply.read()
            except urllib.error.HTTPError as error:
                status, text = error.code, error.read()
        try:
            return Reply(status, json.loads(text))
        except ValueError:
            return Reply(status, "no JSON: " + text[:200].decode(errors="replace"))

    def rows(self, path: str) -> list[dict[str, Any]]:
        """A list; Mailcow writes an empty one as {}."""
        found = self.call(path).body
        return found if isinstance(found, list) else []


def opener() -> urllib.request.OpenerDirector:
    """Without the proxies that this machine's environment may name."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
