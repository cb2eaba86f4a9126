"""Mailcow on NixOS: `services.mailcow`, with the same settings and files as on Debian."""

from __future__ import annotations

import re
from typing import Final

from mailnix.formats.nix import Apply, NixValue, defaults, option
from mailnix.formats.nixos_part import NixosPart, beside
from mailnix.model.clientport import KNOWN, OFFERED
from mailnix.plan import InternalPlan, Plan
from mailnix.services.credentials import names
from mailnix.services.mailcow.render import COMPOSE_OVERRIDE, CONF, SETTINGS, conf, files, provision_json, published
from mailnix.services.mailcow.units import PROVISION, reached

FOLDER: Final = "mailcow"
PROVISION_FILE: Final = f"{FOLDER}/provision.json"
_EXTRA_CF: Final = "data/conf/postfix/extra.cf"
_HOOKS: Final = "data/hooks/"

# What services.mailcow sets by itself: from its `hostname`, `bindAddress` and the time zone, or from the same files.
_BY_MODULE: Final = frozenset(
    {"MAILCOW_HOSTNAME", "HTTP_BIND", "TZ"}.union(*SETTINGS.values(), (client.variable for client in KNOWN))
)
_BOOLEANS: Final = {"y": True, "n": False}
_NUMBER: Final = re.compile(r"0|[1-9][0-9]*")


def nixos(plan: Plan, host: InternalPlan) -> NixosPart:
    """Settings as option values; texts in Mailcow's own languages as files beside them."""
    texts = {path: text for path, text in files(plan).items() if path not in (CONF, COMPOSE_OVERRIDE)}
    beside_host = {f"{FOLDER}/{path.rsplit('/', 1)[-1]}": text for path, text in texts.items()}
    return NixosPart(
        "Mailcow.",
        (
            option("services.mailcow", _mailcow(plan, host, texts)),
            *(
                option(f"systemd.services.{unit}", {"requires": [names.READY], "after": [names.READY], **more})
                for unit, more in ((FOLDER, {}), (PROVISION, {"serviceConfig": _reached(host)}))
            ),
        ),
        {**beside_host, PROVISION_FILE: provision_json(plan)},
    )


def _reached(host: InternalPlan) -> dict[str, NixValue]:
    return {key: list(value) if isinstance(value, tuple) else str(value) for key, value in reached(host).items()}


def _mailcow(plan: Plan, host: InternalPlan, texts: dict[str, str]) -> NixValue:
    told = _told(plan)
    values: dict[str, NixValue] = {
        "enable": True,
        "hostname": plan.topology.hostname,
        "bindAddress": str(host.ipv4),
        "settings": defaults({name: _value(value) for name, value in conf(plan).items() if name in told}),
        "postfix": {"extraConfig": _read(_EXTRA_CF)},
        "hooks": _hooks(texts),
        "files": {path: _read(path) for path in texts if not path.startswith(_HOOKS) and path != _EXTRA_CF},
        "provision": {"enable": True, "description": beside(PROVISION_FILE)},
    }
    if services := published(plan):
        values["composeOverride"] = {"services": {name: {"ports": each} for name, each in services.items()}}
    if (backup := host.backup) is not None:
        values["backup"] = {
            "enable": True,
            **defaults({"location": backup.folder, "startAt": backup.at, "keepDays": backup.keep_days}),
        }
    return values


def _told(plan: Plan) -> set[str]:
    """Variables that the module would not set, or not so: those of client ports that are not the usual ones too."""
    unusual = {client.variable for client in {*OFFERED} ^ {*plan.internal.client_ports}}
    return {name for name in conf(plan) if name in unusual or name not in _BY_MODULE}


def _value(text: str) -> NixValue:
    """As a Nix user would write it; the module makes the same text of it again."""
    if _NUMBER.fullmatch(text):
        return int(text)
    return _BOOLEANS.get(text, text)


def _hooks(texts: dict[str, str]) -> NixValue:
    hooks: dict[str, dict[str, NixValue]] = {}
    for path in texts:
        if path.startswith(_HOOKS):
            service, name = path.removeprefix(_HOOKS).split("/")
            hooks.setdefault(service, {})[name] = _read(path)
    return hooks


def _read(path: str) -> Apply:
    return Apply("builtins.readFile", (beside(f"{FOLDER}/{path.rsplit('/', 1)[-1]}"),))
