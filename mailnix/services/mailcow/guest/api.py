"""Mailcow's REST API, over the standard library.

It answers 200 even to what it refuses; what happened is in a list of {"type", "msg"} objects, so that is what counts.

    ApiError              something about the API
    ├── ApiDown           no usable answer (yet): not started, still making its database, a proxy's error page
    ├── ApiDenied         it answers, but not to us: wrong key, or our address is not in API_ALLOW_FROM
    └── ApiRefused        it understood and said no; the message is Mailcow's
        ├── ApiSilent     it said nothing at all, which is how PHP ends where the database refuses
        └── ApiUnlucky    it says no at random, so that another try is worth it: now, or later
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

NOT_FOUND = 404
TIMEOUT = 300.0  # seconds for one answer; listing thousands of mailboxes takes Mailcow a while
FATAL = frozenset({"danger", "error"})
DONE = frozenset({"success", "warning"})
DENIED = frozenset({401, 403})


class ApiError(Exception):
    """Something about the API."""


class ApiDown(ApiError):
    """No usable answer."""


class ApiDenied(ApiError):
    """The key or the caller's address is not accepted."""


class ApiRefused(ApiError):
    """Mailcow said no."""


class ApiSilent(ApiRefused):
    """200 and an empty body: PHP ended in an error, most often of SQL, that only its own log tells."""


class ApiUnlucky(ApiRefused):
    """Mailcow said no, but may say yes the next time."""


class Api:
    """Calls under `base` (`http://host:port/api/v1`), with Mailcow's own name in the Host header."""

    def __init__(self, base: str, key: str, host: str, timeout: float = TIMEOUT) -> None:
        self._base = base.rstrip("/")
        self._headers = {"X-API-Key": key, "Host": host, "Content-Type": "application/json"}
        self._timeout = timeout

    def get(self, path: str) -> Any:
        """What `path` (`get/domain/all`) holds."""
        answer = self._call(path, None)
        if isinstance(answer, dict) and answer.get("type") in FATAL:
            raise ApiRefused(_words(answer.get("msg")))
        return answer

    def items(self, path: str) -> list[dict[str, Any]]:
        """The list at `path`; Mailcow writes an empty one as `{}`."""
        answer = self.get(path)
        if not answer:
            return []
        if not isinstance(answer, list):
            raise ApiDown(f"{path} is no list")
        return answer

    def post(self, path: str, body: object) -> None:
        """Change something; raises ApiRefused where any part of the answer is a refusal.

        A warning beside or instead of a success means done, with a remark (SOGo could not be restarted).
        """
        answer = self._call(path, json.dumps(body).encode())
        parts = answer if isinstance(answer, list) else [answer]
        refusals = [_words(part.get("msg")) for part in parts if _kind(part) in FATAL]
        if refusals:
            raise ApiRefused("; ".join(refusals))
        if not any(_kind(part) in DONE for part in parts):
            raise ApiRefused(f"{path}: neither done nor refused: {_words([_message(part) for part in parts])!r}")

    def add(self, kind: str, attributes: Mapping[str, object]) -> None:
        """Make one thing."""
        self.post(f"add/{kind}", dict(attributes))

    def edit(self, kind: str, item: object, attributes: Mapping[str, object]) -> None:
        """Change one thing; what is not named stays."""
        self.post(f"edit/{kind}", {"items": [item], "attr": dict(attributes)})

    def delete(self, kind: str, item: object) -> None:
        """Remove one thing."""
        self.post(f"delete/{kind}", [item])

    def _call(self, path: str, data: bytes | None) -> Any:
        request = urllib.request.Request(f"{self._base}/{path}", data, self._headers)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            if error.code == NOT_FOUND:
                raise ApiRefused(f"{path}: 404 {_reason(error.read())}") from None
            if error.code in DENIED:
                raise ApiDenied(f"{error.code} {_reason(error.read())}") from None
            raise ApiDown(f"HTTP {error.code}") from None
        except (OSError, http.client.HTTPException) as error:
            raise ApiDown(str(getattr(error, "reason", error)) or type(error).__name__) from None
        if not text.strip():
            raise ApiSilent(f"{path} was answered with nothing; why: docker compose logs php-fpm-mailcow mysql-mailcow")
        try:
            return json.loads(text)
        except ValueError:
            raise ApiDown(f"{path} is not JSON yet") from None


def _kind(part: object) -> object:
    return part.get("type") if isinstance(part, dict) else None


def _message(part: object) -> object:
    return part.get("msg") if isinstance(part, dict) else part


def _words(message: object) -> str:
    """Mailcow's message keys with their arguments: ["domain_exists", "example.org"]."""
    if isinstance(message, list):
        return " ".join(_words(word) for word in message)
    return str(message)


def _reason(body: bytes) -> str:
    try:
        return _words(_message(json.loads(body)))
    except ValueError:
        return ""


def wait_until_up(
    api: Api,
    say: Callable[[str], None],
    *,
    seconds: float = 1800.0,
    denied_seconds: float = 90.0,
    silent_seconds: float = 300.0,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait until the API lists domains for us.

    Raises ApiDown after `seconds` (pulling images and making the database takes minutes at first), ApiDenied where it
    has said so for `denied_seconds`: the key is written just before the web server starts, so this does not heal.
    Nor does an error of the database: ApiSilent after `silent_seconds`, in which it may still be brought up to date.
    """
    begin = clock()
    patience = {ApiDenied: denied_seconds, ApiSilent: silent_seconds}
    since: dict[type[ApiError], float] = {}
    last = ""
    while True:
        try:
            api.items("get/domain/all")
        except ApiError as error:
            kind, reason = type(error), str(error)
            since = {kind: since.get(kind, clock())}
            if kind in patience and clock() - since[kind] >= patience[kind]:
                raise
        else:
            return
        if clock() - begin >= seconds:
            raise ApiDown(f"Mailcow's API did not come up in {seconds:.0f} s: {reason}")
        if reason != last:
            say(f"waiting for Mailcow's API: {reason}")
            last = reason
        pause(5.0)
