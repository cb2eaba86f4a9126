"""A whole NixOS machine: what each of its services adds, as one `default.nix` and the text files it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from attrs import evolve

from mailnix.formats.nix import Attrs, Entry, Lambda, mk_default, option
from mailnix.formats.nix_printer import render
from mailnix.formats.nixos_part import NixosPart
from mailnix.plan import HostPlan, InternalPlan, Plan, ProxyPlan
from mailnix.services.base.nixos import nixos as base
from mailnix.services.caddy.nixos import nixos as caddy
from mailnix.services.credentials.nixos import nixos as credentials
from mailnix.services.dane.nixos import nixos as dane
from mailnix.services.docker.nixos import nixos as docker
from mailnix.services.firewall.nixos import nixos as firewall
from mailnix.services.haraka.nixos import nixos as haraka
from mailnix.services.mailcow.nixos import nixos as mailcow
from mailnix.services.network.nixos import nixos as network
from mailnix.services.ssh.nixos import nixos as ssh
from mailnix.services.unbound.nixos import nixos as unbound
from mailnix.services.wireguard.nixos import nixos as wireguard
from mailnix.tree import File

PartOf: TypeAlias = Callable[[Plan, HostPlan], NixosPart]

COMMON: Final[tuple[PartOf, ...]] = (base, network, credentials, wireguard, firewall, ssh)
STATE_VERSION: Final = "25.11"  # the oldest release that these machines evaluate on
HEAD: Final = "Made by mailnix: change the description of the topology, not this file; `mailnix emit` writes it again."


def parts(plan: Plan, host: HostPlan) -> tuple[NixosPart, ...]:
    """What each service of a host adds, in the order of the imports above."""
    common = tuple(place(plan, host) for place in COMMON)
    match host:
        case ProxyPlan():
            own_key = (dane(plan, host),) if host.dane else ()
            return (*common, unbound(plan, host), haraka(plan, host), caddy(plan, host), *own_key)
        case InternalPlan():
            return (*common, docker(plan, host), mailcow(plan, host))


def files(plan: Plan, host: HostPlan) -> tuple[File, ...]:
    """The machine's folder, below `/`: `default.nix` and its text files."""
    placed = parts(plan, host)
    texts = {path: text for part in placed for path, text in part.files.items()}
    return (File("/default.nix", module(placed)), *(File(f"/{path}", text) for path, text in texts.items()))


def module(placed: Iterable[NixosPart]) -> str:
    """The text of `default.nix`."""
    entries = [entry for part in placed for entry in _section(part)]
    entries.append(
        option("system.stateVersion", mk_default(STATE_VERSION), "The release that this machine began with.", gap=True)
    )
    return render(Lambda(("lib",), Attrs(tuple(entries)), HEAD))


def _section(part: NixosPart) -> Iterable[Entry]:
    first, *others = part.options
    why = f"{part.title}\n{first.why}" if first.why else part.title
    return (evolve(first, why=why, gap=True), *others)
