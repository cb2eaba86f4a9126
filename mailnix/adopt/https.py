"""Read a Mailcow by its API, over HTTPS. Nothing is changed there: every call is a GET.

What can go wrong is said for the person who typed the address: nobody answers, the certificate is not trusted, the key
is not taken, what answers is no Mailcow, or it is one that failed (an SQL error is a 200 with an empty body).
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from mailnix.adopt.existing import DkimKey, Existing, Row, rows
from mailnix.errors import AdoptError
from mailnix.model.names import domain_problem, to_ascii
from mailnix.secrets import Secret

PREFIX: Final = "/api/v1/"
TIMEOUT: Final = 300.0  # seconds for one answer; listing thousands of mailboxes takes Mailcow a while
LONGEST: Final = 256 * 2**20  # bytes of one answer
DENIED: Final = frozenset({401, 403})
NOT_FOUND: Final = 404
_KEY: Final = re.compile(r"[A-Za-z0-9-]+")

FURTHER: Final = {
    "resources (rooms, things)": "resource/all",
    "sync jobs": "syncjobs/all/no_log",
    "TLS policies": "tls-policy-map/all",
    "admins of single domains": "domain-admin/all",
}
"""What no description says, and where the API lists it; older Mailcows may lack some."""

Get = Callable[[str], Any]
"""What is at a path below /api/v1/get/; raises AdoptError."""


class NotThere(AdoptError):
    """The API has no such call."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows none, and does not even read where it leads: the key would go with it."""

    def http_error_302(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Leave it to be raised as an HTTPError."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def base_of(url: str) -> str:
    """The address below which the API is; raises AdoptError for what is none."""
    example = "write for example https://mail.example.org"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AdoptError(f"{url[:80]!r} is no address", example) from None
    if parts.scheme != "https":
        raise AdoptError(f"{parts.scheme}: would carry the API key in clear", example)
    if not host or parts.username is not None or parts.password is not None:
        raise AdoptError("the address must name a host, and neither user nor password", example)
    shown = f"[{host}]" if ":" in host else to_ascii(host)
    return f"https://{shown}{f':{port}' if port else ''}"


def host_of(base: str) -> str:
    """The name in an address, which is what mail programs connect to unless somebody says otherwise."""
    return urlsplit(base).hostname or ""


def key_of(text: str) -> Secret:
    """An API key as people paste it; raises AdoptError for what can be none."""
    if not _KEY.fullmatch(text.strip()):
        raise AdoptError("that is no API key", "it has letters, digits and '-' only; Mailcow shows it: System, API")
    return Secret(text.strip().encode())


def getter(base: str, key: Secret, ca: Path | None = None, timeout: float = TIMEOUT) -> Get:
    """How to ask the API at `base`; `ca` has the authority that its certificate is verified by, else the system's."""
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or "no certificate in PEM"
        raise AdoptError(f"{ca} cannot be used: {why}", "give a file of certificates in PEM") from None
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=context))

    def get(path: str) -> Any:
        headers = {"X-API-Key": key.reveal().decode(), "Accept": "application/json"}
        request = urllib.request.Request(f"{base}{PREFIX}get/{path}", headers=headers)
        try:
            with opener.open(request, timeout=timeout) as response:
                body = response.read(LONGEST + 1)
        except urllib.error.HTTPError as error:
            raise _refused(base, error) from None
        except (OSError, http.client.HTTPException) as error:
            raise _unreached(base, error) from None
        return _parsed(base, path, body)

    return get


def _refused(base: str, error: urllib.error.HTTPError) -> AdoptError:
    if error.code in DENIED:
        with error:
            said = _message(error.read(4096))
        hint = (
            "on its page System, API: is that key active, and may this machine's address ask with it? "
            "Mailcow bans who tries too often"
        )
        return AdoptError(f"{base} does not take the API key: {said or error.code}", hint)
    if error.code == NOT_FOUND:
        return NotThere(f"{base} has no API of Mailcow", "give the address of Mailcow's own pages")
    if 300 <= error.code < 400:
        to = _place(error.headers.get("Location") or "")
        return AdoptError(f"{base} sends us to {to}", "give that address, if it is your Mailcow's")
    return AdoptError(f"{base} answers with HTTP {error.code}", "is Mailcow running, and what stands before it, too?")


def _place(location: str) -> str:
    """The server that a redirect names, for people to read."""
    try:
        where = urlsplit(location)
    except ValueError:  # as of a bracket that no IPv6 address follows
        return "elsewhere"
    return _words(f"{where.scheme}://{where.netloc}") if where.netloc else "elsewhere"


def _unreached(base: str, error: Exception) -> AdoptError:
    why = getattr(error, "reason", error)
    if isinstance(why, ssl.SSLCertVerificationError):
        hint = "use the name that is in it; for a certificate of your own: --ca FILE"
        return AdoptError(f"the certificate of {base} is not trusted: {why.verify_message}", hint)
    if isinstance(why, ssl.SSLError):
        return AdoptError(f"{base} does not speak HTTPS: {why.reason or why}", "is the port right?")
    said = getattr(why, "strerror", None) or str(why) or type(why).__name__
    return AdoptError(f"{base} does not answer: {said}", "is it on, and its name right?")


def _parsed(base: str, path: str, body: bytes) -> Any:
    if len(body) > LONGEST:
        raise AdoptError(f"{base} answers without end to {path}", "is it a Mailcow?")
    if not body.strip():
        hint = "its database may have refused: docker compose logs php-fpm-mailcow"
        raise AdoptError(f"{base} answers {path} with nothing, as Mailcow does where it failed", hint)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise AdoptError(
            f"{base} is no Mailcow: its answer is not JSON", "give the address of Mailcow's own pages"
        ) from None
    if isinstance(found, dict) and found.get("type") in ("error", "danger"):
        raise AdoptError(f"{base} refuses {path}: {_words(found.get('msg'))}")
    return found


def _message(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return _words(found.get("msg")) if isinstance(found, dict) else ""


def _words(message: Any) -> str:
    """Mailcow's message keys with their arguments, on one line."""
    text = " ".join(map(str, message)) if isinstance(message, list) else str(message)
    return "".join(c if c.isprintable() else " " for c in text)[:200]


def read(base: str, get: Get, hostname: str) -> Existing:
    """Everything that the API tells; raises AdoptError."""
    version = get("status/version")
    if not isinstance(version, dict) or "version" not in version:
        raise AdoptError(f"{base} is no Mailcow", "give the address of Mailcow's own pages")
    domains = _items(get, base, "domain/all")
    mirrors = _items_if_there(get, base, "alias-domain/all")
    names = [*(row.text("domain_name") for row in domains), *(row.text("alias_domain") for row in mirrors)]
    boxes = _items(get, base, "mailbox/all") if domains else ()
    return Existing(
        source=base,
        hostname=hostname,
        version=Row(version).text("version"),
        domains=domains,
        mailboxes=boxes,
        aliases=_items(get, base, "alias/all") if domains else (),
        alias_domains=mirrors,
        relayhosts=_items_if_there(get, base, "relayhost/all"),
        transports=_items_if_there(get, base, "transport/all"),
        forwarding_hosts=_items_if_there(get, base, "fwdhost/all"),
        filters=_items_if_there(get, base, "filters/all"),
        recipient_maps=_items_if_there(get, base, "recipient_map/all"),
        bcc_maps=_items_if_there(get, base, "bcc/all"),
        app_passwords=tuple(app for box in boxes for app in _app_passwords(get, base, box.text("username"))),
        keys={name: key for name in names if (key := _key(get, name)) is not None},
        further={what: count for what, path in FURTHER.items() if (count := len(_items_if_there(get, base, path)))},
    )


def _items(get: Get, base: str, path: str) -> tuple[Row, ...]:
    """The list at a path; Mailcow writes an empty one as `{}`."""
    found = get(path)
    if found and not isinstance(found, list):
        raise AdoptError(f"{base} is no Mailcow: {path} is no list")
    return rows(found or ())


def _items_if_there(get: Get, base: str, path: str) -> tuple[Row, ...]:
    """Likewise, where this Mailcow knows such things at all."""
    try:
        return _items(get, base, path)
    except NotThere:
        return ()


def _app_passwords(get: Get, base: str, address: str) -> tuple[Row, ...]:
    return _items_if_there(get, base, f"app-passwd/all/{quote(address, safe='@')}") if address else ()


def _key(get: Get, domain: str) -> DkimKey | None:
    """A domain's key. The private half is empty unless its Mailcow is told to show it ($SHOW_DKIM_PRIV_KEYS)."""
    if domain_problem(domain) is not None:
        return None
    found = get(f"dkim/{quote(domain, safe='')}")
    row = Row(found if isinstance(found, dict) else {})
    if not row.text("pubkey"):
        return None
    private = found.get("privkey")
    try:
        pem = base64.b64decode(private, validate=True) if isinstance(private, str) else b""
    except ValueError:
        pem = b""
    return DkimKey(row.text("dkim_selector"), Secret(pem) if pem else None)
