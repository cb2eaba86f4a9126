"""Haraka on NixOS: two instances of `services.haraka`, with the same files as on Debian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import evolve

from mailnix.formats.nix import Entry, NixValue, option
from mailnix.formats.nixos_part import NixosPart, beside
from mailnix.plan import Plan, ProxyPlan
from mailnix.plan.credentials import HARAKA_INTERNALCMD
from mailnix.services.credentials import names
from mailnix.services.haraka import units
from mailnix.services.haraka.render import IN, OUT, files_in, files_out, incoming, outgoing

RUNTIME: Final = "/run/{service}-tls"  # where services.haraka keeps an instance's certificate


def nixos(plan: Plan, host: ProxyPlan) -> NixosPart:
    """haraka-in and haraka-out."""
    inward = files_in(evolve(incoming(plan, host), certificate_folder=RUNTIME.format(service=IN)))
    outward = files_out(evolve(outgoing(plan, host), certificate_folder=RUNTIME.format(service=OUT)))
    return NixosPart(
        "Haraka: one instance takes mail from the internet, one sends Mailcow's to it.",
        (
            option("services.haraka.instances", {"in": _instance(IN, host), "out": _instance(OUT, host)}),
            *(_waiting(service) for service in (IN, OUT)),
        ),
        {**_below(IN, inward), **_below(OUT, outward)},
    )


def _instance(service: str, host: ProxyPlan) -> NixValue:
    caddy = units.caddy_files(host.hostname)
    return {
        "directory": beside(service),
        "credentials": {"internalcmd_key": HARAKA_INTERNALCMD},
        "tls": {"certificate": caddy.certificate, "key": caddy.key},
    }


def _waiting(service: str) -> Entry:
    return option(
        f"systemd.services.{service}",
        {
            "requires": [names.READY],
            "after": [names.READY],
            "environment": {"NODE_OPTIONS": units.NODE_OPTIONS},
        },
    )


def _below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in files.items()}
