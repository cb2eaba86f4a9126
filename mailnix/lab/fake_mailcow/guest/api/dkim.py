"""DKIM keys in Redis, in the three hashes where Mailcow keeps them and rspamd looks for them."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from itertools import count

from .resp import Redis
from .words import (
    Answer,
    Attributes,
    Refused,
    Row,
    ascii_domain,
    danger,
    integer,
    is_domain,
    is_selector,
    several,
    success,
    text,
    words,
)

PUBLIC, PRIVATE, SELECTORS = "DKIM_PUB_KEYS", "DKIM_PRIV_KEYS", "DKIM_SELECTORS"
LENGTHS = ((391, "1024"), (564, "2048"), (736, "3072"), (1416, "4096"))
SELECTOR, KEY_SIZE = "dkim", 2048
SPOILT = 15 / 40
"""How many imports of sound keys Mailcow's own code refused."""


class Dkim:
    """Keys by domain."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._imports = count()

    def add(self, attributes: Attributes) -> list[Answer]:
        """Make keys for domains that have none."""
        size = integer(attributes.get("key_size"))
        selector = text(attributes, "dkim_selector") or SELECTOR
        return [self._make(domain, selector, size) for domain in words(attributes.get("domains"))]

    def _make(self, domain: str, selector: str, size: int) -> Answer:
        bad = not is_domain(domain) or not is_selector(selector) or size < 512
        if bad or self._redis("HGET", PUBLIC, domain):
            return danger("dkim_domain_or_sel_invalid", domain)
        self._save(domain, selector, openssl("", "genrsa", str(size)))
        return success("dkim_added", domain)

    def load(self, attributes: Attributes) -> list[Answer]:
        """Take a private key that somebody has made (dkim_import)."""
        key = text(attributes, "private_key_file").strip().replace("\r\n", "\n").replace("\r", "\n")
        try:
            openssl(key, "pkey", "-noout")
        except OSError as error:
            raise Refused("private_key_error", str(error)) from None
        if is_spoilt(next(self._imports)):
            raise Refused("private_key_error", "error:0480006C:PEM routines::no start line")
        selector = text(attributes, "dkim_selector") or SELECTOR
        domain = text(attributes, "domain")
        if not is_domain(ascii_domain(domain)):
            raise Refused("dkim_domain_or_sel_invalid", domain)
        if self._redis("HGET", PUBLIC, domain) and not integer(attributes.get("overwrite_existing")):
            raise Refused("dkim_domain_or_sel_exists", domain)
        if not is_selector(selector):
            raise Refused("dkim_domain_or_sel_invalid", domain)
        removed = self.delete([domain])
        self._save(domain, selector, key)
        return [*removed, success("dkim_added", domain)]

    def _save(self, domain: str, selector: str, key: str) -> None:
        public = "".join(openssl(key, "pkey", "-pubout").strip().splitlines()[1:-1])
        self._redis("HSET", PUBLIC, domain, public)
        self._redis("HSET", SELECTORS, domain, selector)
        self._redis("HSET", PRIVATE, f"{selector}.{domain}", key.strip())

    def delete(self, domains: object) -> list[Answer]:
        """Forget keys."""
        answers = []
        for domain in map(str, several(domains)):
            if not is_domain(ascii_domain(domain)):
                answers.append(danger("dkim_domain_or_sel_invalid", domain))
                continue
            selector = self._redis.text("HGET", SELECTORS, domain)
            self._redis("HDEL", PUBLIC, domain)
            self._redis("HDEL", PRIVATE, f"{selector}.{domain}")
            self._redis("HDEL", SELECTORS, domain)
            answers.append(success("dkim_removed", domain))
        return answers

    def details(self, domain: str) -> Row:
        """What may be published of a key; empty where there is none."""
        public = self._redis.text("HGET", PUBLIC, domain)
        if not public:
            return {}
        return {
            "pubkey": public,
            "length": next((name for limit, name in LENGTHS if len(public) < limit), ">= 8192"),
            "dkim_txt": f"v=DKIM1;k=rsa;t=s;s=email;p={public}",
            "dkim_selector": self._redis.text("HGET", SELECTORS, domain),
            "privkey": "",
        }


def is_spoilt(number: int) -> bool:
    """Whether a sound key is refused at the import of that number, the first one included.

    Mailcow looks at whatever error OpenSSL has left in the PHP process that happens to get the call. Here it is in no
    order either, but in the same one at each start.
    """
    return sha256(f"pem {number}".encode()).digest()[0] < SPOILT * 256


def openssl(data: str, *arguments: str) -> str:
    """Run openssl; raises OSError with its complaint."""
    done = subprocess.run(["openssl", *arguments], input=data, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError((done.stderr.strip().splitlines() or ["openssl failed"])[0])
    return done.stdout
