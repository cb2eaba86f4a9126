"""Images that were built, and what to do with them, machine by machine, for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mailnix.cli import installing, output
from mailnix.deploy.commands import Commands
from mailnix.image import Format, Manifest
from mailnix.plan import Plan
from mailnix.plan.types import HostPlan, ProxyPlan


def show(manifest: Manifest, plan: Plan, form: Format, out: Path, config: Path, secrets: Path | None) -> None:
    """The images as a table, and on standard error the next steps, with what was typed."""
    said = Commands(str(config), secrets=() if secrets is None else ("--secrets", str(secrets)))
    rows = [(image.host, image.format, f"{image.size / 2**20:.0f} MiB", out / image.file) for image in manifest.images]
    output.result(output.table(("machine", "format", "size", "file"), rows))
    for line in _next_steps(plan, form, out, said):
        output.status(line)


def _next_steps(plan: Plan, form: Format, out: Path, said: Commands) -> Iterator[str]:
    for host in plan.hosts:
        yield from installing.steps(host, form, out / f"{host.name}.{form}")
        yield from _handed(plan, host, said)


def _handed(plan: Plan, host: HostPlan, said: Commands) -> Iterator[str]:
    yield "  its first credentials, from a seed disk that is attached when it starts:"
    yield f"  {said.secrets_of('seed')} {host.name}"
    # By way of a proxy nobody gets to a machine whose tunnel has no key yet, and to a sealed one nobody at all.
    there = next((login.target for login in plan.logins if login.host == host.name and login.jump is None), None)
    if there is not None:
        to = "" if isinstance(host, ProxyPlan) else f" --to {there}"
        yield "  or, once it has started, by SSH:"
        yield f"  {said.secrets_of('push')} {host.name}{to}"
