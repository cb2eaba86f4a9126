"""Haraka on NixOS: two instances of `services.haraka`, with the same files as on Debian."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mailnix.formats.nix import Entry, NixValue, defaults, option
from mailnix.formats.nixos_part import NixosPart, beside
from mailnix.plan import Plan, ProxyPlan
from mailnix.plan.credentials import HARAKA_INTERNALCMD
from mailnix.services.credentials import names
from mailnix.services.haraka import units
from mailnix.services.haraka.render import files_in, files_out, incoming, outgoing, smarthosts
from mailnix.services.haraka.values import IN, OUT, SECRET_FILE
from mailnix.services.unbound import render as unbound

CONFIG: Final = "config/"
PLUGINS: Final = "plugins/"
VALUES: Final = ("config/smtp.ini", "config/tls.ini")
"""Emitted as values: the module reads where an instance listens, and adds where it keeps the certificate."""
BY_MODULE: Final = ("config/plugins", "config/queue_dir")  # made of `plugins` and `queueDirectory`
_MODULES_OWN: Final = ("key", "cert", "dhparam")  # of tls.ini
_WORDS: Final = {"true": True, "false": False}


def nixos(plan: Plan, host: ProxyPlan) -> NixosPart:
    """haraka-in and haraka-out."""
    inward, outward = files_in(incoming(plan, host)), files_out(outgoing(plan, host))
    return NixosPart(
        "Haraka: one instance takes mail from the internet, one sends Mailcow's to it.",
        (
            option(
                "services.haraka.instances",
                {
                    "in": _instance(IN, inward, host, {}, plan.topology.former_hostnames),
                    "out": _instance(OUT, outward, host, units.secrets(smarthosts(plan))),
                },
            ),
            _waiting(IN),
            _waiting(OUT, unbound.SERVICE),
        ),
        {**_below(IN, inward), **_below(OUT, outward)},
    )


def _instance(
    service: str,
    files: Mapping[str, str],
    host: ProxyPlan,
    passwords: Mapping[str, str],
    former: Iterable[str] = (),
) -> NixValue:
    kept = _below(service, files)
    others = {name: _certificate(units.caddy_files(name)) for name in former}
    return {
        "plugins": files["config/plugins"].split(),
        "settings": {path.removeprefix(CONFIG): {"globalSection": defaults(_values(files[path]))} for path in VALUES},
        "files": defaults(_paths(service, kept, CONFIG)),
        "localPlugins": defaults(_paths(service, kept, PLUGINS)),
        "credentials": {SECRET_FILE: HARAKA_INTERNALCMD, **passwords},
        "tls": {**_certificate(units.own_files(host)), **({"others": others} if others else {})},
    }


def _certificate(files: units.CertificateFiles) -> dict[str, NixValue]:
    return defaults({"certificate": files.certificate, "key": files.key})


def _values(text: str) -> Mapping[str, NixValue]:
    """The keys of an INI file without sections, but for those that the module sets."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith(";"))
    return {
        key: int(value) if value.isdecimal() else _WORDS.get(value, value)
        for key, value in pairs
        if key not in _MODULES_OWN
    }


def _paths(service: str, files: Mapping[str, str], folder: str) -> Mapping[str, NixValue]:
    """Those below one folder, by the names that the module wants: without the folder, plugins without `.js`."""
    start = f"{service}/{folder}"
    return {path.removeprefix(start).removesuffix(".js"): beside(path) for path in files if path.startswith(start)}


def _waiting(service: str, *wants: str) -> Entry:
    return option(
        f"systemd.services.{service}",
        {
            "requires": [names.READY],
            **({"wants": list(wants)} if wants else {}),
            "after": [names.READY, *wants],
            "environment": defaults(units.ENVIRONMENT),
            "serviceConfig": units.MEMORY,
        },
    )


def _below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in files.items() if path not in (*VALUES, *BY_MODULE)}
