"""What registries have under a name: the OCI distribution specification, as far as it takes to read a manifest."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from email.message import Message
from typing import Final

HUB: Final = "registry-1.docker.io"
LOOPBACK: Final = ("localhost", "127.0.0.1")
"""Registries here are spoken to in clear, as Docker does it."""
LONGEST: Final = 2**22  # bytes of a manifest: the specification asks registries for so much
ACCEPT: Final = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_WORD: Final = re.compile(r'([a-z_]+)="([^"]*)"')


def manifest(name: str) -> bytes:
    """The list of platforms, or the manifest, that a registry has for NAME:TAG or NAME@DIGEST, byte by byte.

    Who may not ask without one gets the token that registries give to everybody. Raises OSError.
    """
    url = address(name)
    try:
        return _get(url)
    except urllib.error.HTTPError as refusal:
        if refusal.code != 401:
            raise
        token = _token(refusal.headers)
    return _get(url, token)


def address(name: str) -> str:
    """The URL of a manifest."""
    path, by, reference = name.partition("@")
    if not by:
        path, _, reference = name.rpartition(":")
    host, slash, repository = path.partition("/")
    if not slash or not ({".", ":"} & set(host) or host == "localhost"):
        host, repository = HUB, path if slash else f"library/{path}"
    scheme = "http" if host.partition(":")[0] in LOOPBACK else "https"
    return f"{scheme}://{host}/v2/{repository}/manifests/{reference}"


def _get(url: str, token: str = "") -> bytes:
    request = urllib.request.Request(url, headers={"Accept": ACCEPT})
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read(LONGEST))


def _token(headers: Message) -> str:
    """A token for reading, from where a registry says (WWW-Authenticate: Bearer realm=…,service=…,scope=…)."""
    said = dict(_WORD.findall(headers.get("WWW-Authenticate", "")))
    query = urllib.parse.urlencode({key: said[key] for key in ("service", "scope") if key in said})
    if not said.get("realm"):
        raise OSError("the registry wants a login and does not say where")
    found = json.loads(_get(f"{said['realm']}?{query}"))
    return str(found.get("token") or found["access_token"])
