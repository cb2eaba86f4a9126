"""What acme-mailcow does: a certificate for the name in mailcow.conf by HTTP-01, and nothing where it is not wanted.

uacme speaks the protocol. Where Mailcow waits half an hour after a failure, this tries again at once: in a lab all
machines start together. Postfix, Dovecot and nginx see the new file for themselves.
"""

from __future__ import annotations

import http.client
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
ISSUERS = ("Let's Encrypt", "mailcow", "Fake LE Intermediate")
CHALLENGES = Path("/var/www/acme")
HOME = Path("/var/lib/acme")
HOOK = "/fake-mailcow/acme-hook.sh"
PAUSE = 3.0  # seconds between attempts
DAY = 86400.0

Settings = Mapping[str, str]


def yes(settings: Settings, name: str) -> bool:
    """Whether a switch of mailcow.conf is on."""
    return settings.get(name, "").lower() in ("y", "yes")


def directory(settings: Settings) -> str:
    """Which authority."""
    if yes(settings, "LE_STAGING"):
        return STAGING
    return settings.get("DIRECTORY_URL") or LETS_ENCRYPT


def names(settings: Settings) -> list[str]:
    """The names in the certificate; those of mail domains are not made here (AUTODISCOVER_SAN counts as "n")."""
    more = [] if yes(settings, "ONLY_MAILCOW_HOSTNAME") else settings.get("ADDITIONAL_SAN", "").split(",")
    return list(dict.fromkeys([settings["MAILCOW_HOSTNAME"], *(name.strip() for name in more if name.strip())]))


def refusal(settings: Settings, issued_by: str) -> str:
    """Why no certificate is to be had here; "" where one is."""
    if yes(settings, "SKIP_LETS_ENCRYPT"):
        return "SKIP_LETS_ENCRYPT=y, skipping Let's Encrypt..."
    if yes(settings, "ACME_DNS_CHALLENGE"):
        return "the fake Mailcow knows no DNS-01"
    if not yes(settings, "SKIP_IP_CHECK"):
        return "the fake Mailcow cannot ask for its own address: SKIP_IP_CHECK=y is needed"
    if issued_by and not any(name in issued_by for name in ISSUERS):
        return f"the certificate in place is somebody's own ({issued_by}), skipping ACME client..."
    return ""


def family(name: str) -> socket.AddressFamily:
    """Mailcow asks over IPv6 alone where the name has an AAAA record; raises OSError where it has no address."""
    for wanted in (socket.AF_INET6, socket.AF_INET):
        try:
            if socket.getaddrinfo(name, 80, wanted, socket.SOCK_STREAM):
                return wanted
        except socket.gaierror:
            continue
    raise OSError(f"No A or AAAA record found for hostname {name}")


def reachable(name: str, folder: Path = CHALLENGES) -> bool:
    """Whether a file among the challenges can be fetched by the name, as the authority will."""
    token = secrets.token_hex(12)
    path = folder / token
    path.write_text(token)
    path.chmod(0o644)
    try:
        return fetch(name, family(name), token) == token
    except (OSError, http.client.HTTPException):
        return False
    finally:
        path.unlink()


def fetch(name: str, wanted: socket.AddressFamily, token: str) -> str:
    """Fetch a challenge over one family of addresses, following redirects, trusting any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    url = f"http://{name}/.well-known/acme-challenge/{token}"
    with only(wanted), urllib.request.urlopen(url, timeout=10, context=context) as answer:
        return str(answer.read().decode(errors="replace")).strip()


@contextmanager
def only(wanted: socket.AddressFamily) -> Iterator[None]:
    """Let this process resolve names to one family of addresses alone."""
    resolve = socket.getaddrinfo

    def restricted(host: Any, port: Any, _family: int = 0, *rest: Any, **named: Any) -> Any:
        named.pop("family", None)
        return resolve(host, port, wanted, *rest, **named)

    socket.getaddrinfo = restricted  # type: ignore[assignment]
    try:
        yield
    finally:
        socket.getaddrinfo = resolve


def issuer(certificate: Path) -> str:
    """Who issued a certificate; "" where there is none."""
    if not certificate.exists():
        return ""
    argv = ["openssl", "x509", "-in", str(certificate), "-noout", "-issuer"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def obtain(settings: Settings, wanted: list[str], state_dir: Path) -> bool:
    """Have uacme make or renew the certificate; whether there is a new one."""
    base = ["uacme", "-y", "-c", str(state_dir / "uacme"), "-a", directory(settings)]
    contact = [settings["ACME_ACCOUNT_EMAIL"]] if settings.get("ACME_ACCOUNT_EMAIL") else []
    if not (state_dir / "uacme/private/key.pem").exists() and not _run([*base, "-t", "EC", "new", *contact]):
        return False
    # Mailcow's is RSA; a key of elliptic curves saves an emulated machine seconds here and time in every handshake.
    return _run([*base, "-t", "EC", "-h", HOOK, "issue", *wanted])


def deploy(name: str, state_dir: Path) -> None:
    """Put key and chain where the others look, each whole at any time."""
    made = {"key.pem": state_dir / f"uacme/private/{name}/key.pem", "cert.pem": state_dir / f"uacme/{name}/cert.pem"}
    for target, source in made.items():
        new = state_dir / f".{target}.new"
        shutil.copyfile(source, new)
        new.chmod(0o600 if target == "key.pem" else 0o644)
        new.replace(state_dir / target)


def _run(argv: list[str]) -> bool:
    return subprocess.run(argv, check=False).returncode == 0


def _sleep(seconds: float) -> None:
    """Sleep in steps, so that the container stops at once."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 1.0))


def attempt(settings: Settings, state_dir: Path = HOME) -> bool:
    """Try once; whether a certificate is in place."""
    wanted = names(settings)
    if not yes(settings, "SKIP_HTTP_VERIFICATION"):
        for name in wanted:
            if not reachable(name):
                print(f"{name}: HTTP validation failed", flush=True)
                return False
    if not obtain(settings, wanted, state_dir):
        return (state_dir / f"uacme/{wanted[0]}/cert.pem").exists()
    deploy(wanted[0], state_dir)
    print("Certificates successfully requested and renewed where required, sleeping one day", flush=True)
    return True


def main() -> int:
    """Get a certificate and keep it fresh."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = dict(os.environ)
    why = refusal(settings, issuer(HOME / "cert.pem"))
    if why:
        print(why, flush=True)
    while not why:
        _sleep(DAY if attempt(settings) else PAUSE)
    while True:
        _sleep(DAY)


if __name__ == "__main__":
    sys.exit(main())
