"""What is for others to read: records for a provider of DNS, beside what is there already, and a person's page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mailnix.errors import BuildError
from mailnix.pipeline.deciding import plan
from mailnix.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailnix.plan import DnsRecord
    from mailnix.published import Look
    from mailnix.zones.forms import Form


def write_zones(form: Form, records: Sequence[DnsRecord], out: Path, provider: str | None) -> tuple[Path, ...]:
    """Write records into the folder `out`, a file for each zone where the form has it so; gives the files.

    Raises ZonesError, and BuildError where the folder is somebody else's.
    """
    from mailnix.tree import File, Tree
    from mailnix.write import write_tree
    from mailnix.zones.forms import files

    made = files(form, records, provider)
    write_tree(Tree.of(File(f"/{name}", text) for name, text in made.items()), out)
    return tuple(out / name for name in made)


def published(plan: Plan, server: str | None) -> Look:
    """What is published beside a plan's records: at the servers of each zone and a resolver, or at `server` alone.

    Raises ResolveError where it is not known whom to ask; that nobody answers is a finding.
    """
    from mailnix import resolve
    from mailnix.published import look, look_at

    mailcow = plan.internal.certificate.names
    if server:
        return look_at(plan.records, mailcow, resolve.server(server))
    return look(plan.records, mailcow, resolve.system())


def guide(config: Path, secrets: Path | None, doctor: Path | None, provider: str | None, out: Path) -> None:
    """Write the page of a description's own values; `doctor` is a file of what `mailnix doctor --json` printed.

    `provider` is where DNS is kept. Raises BuildError where `out` is something else than such a page.
    """
    from mailnix.guide import page, records, states
    from mailnix.write import write_file, writing
    from mailnix.zones import providers

    text = page.guide(
        plan(config, secrets),
        config.name,
        findings=None if doctor is None else states.read(doctor),
        secrets="" if secrets is None else str(secrets),
        where=records.USUAL if provider is None else providers.provider(provider),
    )
    with writing(out):
        if out.exists() and not (out.is_file() and page.is_guide(out.read_text("utf-8", "replace"))):
            raise BuildError(f"{out} is not a page that mailnix wrote", "choose another name, or move it elsewhere")
        write_file(out, text.encode())
