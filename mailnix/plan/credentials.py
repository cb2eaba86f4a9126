"""The credentials each machine needs: their names in /etc/credstore, typed here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailnix.model.relays import Relay
from mailnix.plan.types import Credential, SecretKind, TunnelEnd, TunnelLink

HARAKA_INTERNALCMD: Final = "haraka.internalcmd"
DANE_KEY: Final = "dane.key"
DANE_NEXT: Final = "dane.next-key"
MAILCOW_DBPASS: Final = "mailcow.dbpass"
MAILCOW_DBROOT: Final = "mailcow.dbroot"
MAILCOW_REDISPASS: Final = "mailcow.redispass"
MAILCOW_SOGO_KEY: Final = "mailcow.sogo-key"
MAILCOW_API_KEY: Final = "mailcow.api-key"
MAILCOW_ADMIN: Final = "mailcow.admin-password"
MAILCOW_DKIM: Final = "mailcow.dkim"
MAILCOW_MAILBOXES: Final = "mailcow.mailboxes"


def wireguard_names(interface: str) -> tuple[str, str, str]:
    """Names of an interface's private key, preshared key and peer's public key.

    systemd-networkd imports every credential called `network.wireguard.*` (systemd.netdev(5), since 256).
    """
    return (
        f"network.wireguard.private.{interface}",
        f"network.wireguard.preshared.{interface}",
        f"network.wireguard.public.{interface}",
    )


def tunnel_credentials(end: TunnelEnd, peer: TunnelEnd, *, makes_preshared: bool) -> Iterable[Credential]:
    """One end's three credentials; the preshared key is made at one end and copied to the other."""
    yield Credential(end.private_key, end.host, SecretKind.WIREGUARD_PRIVATE, f"private key of {end.interface}")
    yield Credential(
        end.preshared_key,
        end.host,
        SecretKind.WIREGUARD_PRESHARED,
        f"preshared key with {peer.host}",
        source=None if makes_preshared else (peer.host, peer.preshared_key),
    )
    yield Credential(
        end.peer_public_key,
        end.host,
        SecretKind.WIREGUARD_PUBLIC,
        f"public key of {peer.host}",
        source=(peer.host, peer.private_key),
    )


def relay_password(relay: str) -> str:
    """The name of the password for the relay of this host name."""
    return f"haraka.relay.{relay}"


def relay_credentials(host: str, relays: Iterable[Relay], first: str) -> Iterable[Credential]:
    """A proxy's passwords for the relays that want one; those of the proxy `first` are the others' too."""
    for relay in relays:
        if relay.user is not None:
            name, purpose = relay_password(relay.host), f"password of {relay.user} at {relay.host}"
            source = None if host == first else (first, name)
            yield Credential(name, host, SecretKind.GIVEN, purpose, source)


def proxy_credentials(
    link: TunnelLink, relays: Iterable[Relay], first: str, *, dane: bool = False
) -> tuple[Credential, ...]:
    """What a proxy needs; `first` is the first proxy's name."""
    key = Credential(DANE_KEY, link.proxy.host, SecretKind.EC_PRIVATE, "key for incoming mail, which TLSA records name")
    return (
        *relay_credentials(link.proxy.host, relays, first),
        *tunnel_credentials(link.proxy, link.internal, makes_preshared=True),
        Credential(HARAKA_INTERNALCMD, link.proxy.host, SecretKind.PASSWORD, "key for Haraka's queue commands"),
        *((key,) if dane else ()),
    )


def withheld_credentials(host: str) -> tuple[Credential, ...]:
    """What is made for a proxy with a key of its own and stays in the secrets folder: whoever breaks into the proxy
    does not learn the key that takes the other's place then.
    """
    return (Credential(DANE_NEXT, host, SecretKind.EC_PRIVATE, f"the key that takes the place of {DANE_KEY}"),)


def internal_credentials(host: str, links: Iterable[TunnelLink]) -> tuple[Credential, ...]:
    """What the internal host needs."""
    tunnels = (c for link in links for c in tunnel_credentials(link.internal, link.proxy, makes_preshared=False))
    mailcow = (
        (MAILCOW_DBPASS, SecretKind.PASSWORD, "Mailcow's database password"),
        (MAILCOW_DBROOT, SecretKind.PASSWORD, "Mailcow's database root password"),
        (MAILCOW_REDISPASS, SecretKind.PASSWORD, "Mailcow's Redis password"),
        (MAILCOW_SOGO_KEY, SecretKind.SHORT_PASSWORD, "SOGo's URL encryption key"),
        (MAILCOW_API_KEY, SecretKind.API_KEY, "key of Mailcow's API"),
        (MAILCOW_ADMIN, SecretKind.PASSWORD, "password of Mailcow's admin"),
        (MAILCOW_DKIM, SecretKind.DKIM_BUNDLE, "DKIM private keys of every domain"),
        (MAILCOW_MAILBOXES, SecretKind.MAILBOX_BUNDLE, "initial passwords of every mailbox"),
    )
    return (*tunnels, *(Credential(name, host, kind, purpose) for name, kind, purpose in mailcow))
