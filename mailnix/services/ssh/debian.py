"""SSH on Debian: keys only. Host keys are made at first boot by Debian's own sshd-keygen.service."""

from __future__ import annotations

from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Verb
from mailnix.plan import HostPlan, Plan
from mailnix.services.credentials import names
from mailnix.services.ssh.render import Settings, settings
from mailnix.tree import File

DROP_IN: Final = "/etc/ssh/sshd_config.d/10-mailnix.conf"
KEYS: Final = "/root/.ssh/authorized_keys"
UNITS = ("ssh.service", "ssh.socket")

_OF_NIXOS: Final[Settings] = {
    "HostKey": names.HOST_KEY.removesuffix(".pub"),
    # Without the NIST's curves, and without what authenticates a text before it is encrypted.
    "KexAlgorithms": (
        "mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,"
        "curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group-exchange-sha256"
    ),
    "MACs": "hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,umac-128-etm@openssh.com",
}
"""What NixOS says by itself."""


_OF_ROOT: Final[Settings] = {
    "AuthorizedKeysFile": ".ssh/authorized_keys",
    "AuthorizedKeysCommand": "none",
    "TrustedUserCAKeys": "none",
}
"""Who else a provider's image lets in as root: by a second file, a program, or certificates. Only described keys count;
those of other accounts are in a file of their own."""


def debian(plan: Plan, host: HostPlan) -> DebianPart:
    """sshd's drop-in and root's keys; on a sealed machine sshd never runs."""
    if host.sealed:
        return DebianPart(masked=UNITS)
    keys = "".join(f"{key.strip()}\n" for key in plan.topology.admin_keys)
    return DebianPart(
        packages=("openssh-server",),
        entries=(
            File(DROP_IN, config({**_OF_NIXOS, **settings(host), **_OF_ROOT})),
            *((File(KEYS, keys, mode=0o600),) if keys else ()),
        ),
        follows=(Follows("ssh.service", DROP_IN, Verb.RELOAD),),
    )


def config(values: Settings) -> str:
    """Lines of sshd_config(5)."""
    texts = {
        key: {True: "yes", False: "no"}[value] if isinstance(value, bool) else value for key, value in values.items()
    }
    return "".join(f"{key} {text}\n" for key, text in texts.items())
