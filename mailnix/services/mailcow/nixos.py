"""Mailcow on NixOS: `services.mailcow`, with the same settings and files as on Debian."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mailnix.formats.nix import Apply, NixValue, defaults, option
from mailnix.formats.nixos_part import NixosPart, beside
from mailnix.model import ports
from mailnix.model.clientport import KNOWN, OFFERED
from mailnix.plan import InternalPlan, Plan
from mailnix.services.credentials import names
from mailnix.services.mailcow.contents import provision_json
from mailnix.services.mailcow.render import (
    COMPOSE_OVERRIDE,
    CONF,
    CONF_FOLDER,
    EXTRA_CF_PATH,
    HOOK,
    LOOPBACK,
    POSTSCREEN,
    SETTINGS,
    UNBOUND,
    conf,
    files,
    published,
    text_of,
)
from mailnix.services.mailcow.units import BANS, PROVISION, reached, told

FOLDER: Final = "mailcow"
PROVISION_FILE: Final = f"{FOLDER}/provision.json"
_HOOKS: Final = "data/hooks/"

_EXTRA: Final = {
    EXTRA_CF_PATH: "postfix",
    "data/conf/dovecot/extra.conf": "dovecot",
    "data/conf/nginx/site.extra.custom": "nginx",
}
"""Files that the module has options `….extraConfig` for."""
_OVERRIDES: Final = "data/conf/rspamd/override.d/"

# What services.mailcow sets by itself, from its `hostname`, `bindAddress` and the time zone.
_BY_MODULE: Final = ("MAILCOW_HOSTNAME", "HTTP_BIND", "TZ")
_USUAL: Final = frozenset({EXTRA_CF_PATH, HOOK, POSTSCREEN, UNBOUND})
"""Texts of every description: no two have one name."""
_BOOLEANS: Final = {"y": True, "n": False}
_NUMBER: Final = re.compile(r"0|[1-9][0-9]*")


def nixos(plan: Plan, host: InternalPlan) -> NixosPart:
    """Settings as option values; texts in Mailcow's own languages as files beside them."""
    texts = {path: text for path, text in files(plan).items() if path not in (CONF, COMPOSE_OVERRIDE)}
    beside_host = {_beside(path): text for path, text in texts.items()}
    return NixosPart(
        "Mailcow.",
        (
            option("services.mailcow", _mailcow(plan, host, texts)),
            *(
                option(f"systemd.services.{unit}", {"requires": [names.READY], "after": [names.READY], **more})
                for unit, more in (
                    (FOLDER, {}),
                    (PROVISION, {"serviceConfig": _listed(reached(host))}),
                    (BANS, {"serviceConfig": _listed(told(host))}),
                )
            ),
        ),
        {**beside_host, PROVISION_FILE: provision_json(plan)},
    )


def _listed(values: Mapping[str, object]) -> dict[str, NixValue]:
    return {key: list(value) if isinstance(value, tuple) else str(value) for key, value in values.items()}


def _mailcow(plan: Plan, host: InternalPlan, texts: dict[str, str]) -> NixValue:
    told = _told(plan)
    values: dict[str, NixValue] = {
        "enable": True,
        "hostname": plan.topology.hostname,
        "bindAddress": str(host.ipv4),
        "settings": defaults({name: _value(value) for name, value in told.items()}),
        **_texts(texts),
        "provision": {"enable": True, "description": beside(PROVISION_FILE)},
        "bans": {"proxies": [str(link.proxy.ipv4) for link in host.tunnels], "port": ports.BANS},
    }
    if services := published(plan):
        values["composeOverride"] = {"services": {name: {"ports": each} for name, each in services.items()}}
    if (backup := host.backup) is not None:
        values["backup"] = {
            "enable": True,
            **defaults({"location": backup.folder, "startAt": backup.at, "keepDays": backup.keep_days}),
        }
    return values


def _texts(texts: dict[str, str]) -> dict[str, NixValue]:
    """Each file as the option that the module has for it, so that lines of other modules join it."""
    options: dict[str, NixValue] = {}
    files: dict[str, NixValue] = {}
    overrides: dict[str, NixValue] = {}
    for path in texts:
        if path in _EXTRA:
            options[_EXTRA[path]] = {"extraConfig": _read(path)}
        elif path.startswith(_OVERRIDES):
            overrides[path.removeprefix(_OVERRIDES)] = _read(path)
        elif not path.startswith(_HOOKS):
            files[path] = _read(path)
    rspamd: dict[str, NixValue] = {"rspamd": {"overrides": overrides}} if overrides else {}
    return options | rspamd | {"hooks": _hooks(texts), "files": files}


def _told(plan: Plan) -> dict[str, str]:
    """Variables that the module would not set, or not so."""
    values, offered = conf(plan), {client.variable for client in OFFERED}
    bind = str(plan.internal.ipv4)
    by_module = {name: values[name] for name in _BY_MODULE}
    by_module |= {name: text_of(value) for name, value in SETTINGS["values"].items()}
    by_module |= {name: f"{bind}:{port}" for name, port in SETTINGS["ports_on_address"].items()}
    by_module |= {name: f"{LOOPBACK}:{port}" for name, port in SETTINGS["ports_on_loopback"].items()}
    for client in KNOWN:
        by_module[client.variable] = f"{bind if client.variable in offered else LOOPBACK}:{client.port}"
    return {name: value for name, value in values.items() if by_module.get(name) != value}


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
    return Apply("builtins.readFile", (beside(_beside(path)),))


def _beside(path: str) -> str:
    """Where a text for Mailcow's tree stands: by its name, and by its service's too where others have that name."""
    folder, _, name = path.removeprefix(f"{CONF_FOLDER}/").rpartition("/")
    return f"{FOLDER}/{name}" if path in _USUAL else f"{FOLDER}/{folder}/{name}"
