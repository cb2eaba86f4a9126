"""`mailnix doctor`: is all well?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mailnix.cli import machine_ways, mail_options, notice_options, options, output
from mailnix.cli.examining import Examining, trouble
from mailnix.errors import MailnixError

if TYPE_CHECKING:
    from mailnix.plan import Plan

ONLY: Final = "A group (dns) or a check (dns.mx); may be repeated [default: all]."
RESOLVER: Final = "A recursive resolver to ask; may be repeated [default: this machine's, and public ones]."
AUTHORITIES: Final = "Trust these certificate authorities (PEM) instead of this machine's."


@click.command("doctor", cls=Examining)
@options.config
@click.option("--only", multiple=True, metavar="GROUP|ID", help=ONLY)
@notice_options.options
@click.option("--all", "everything", is_flag=True, help="Print what is well, too.")
@click.option("--resolver", "resolvers", multiple=True, metavar="ADDRESS", help=RESOLVER)
@click.option("--authorities", type=options.FILE, metavar="FILE", help=AUTHORITIES)
@mail_options.options
@machine_ways.targets
@machine_ways.ssh_config
@options.secrets
@options.as_json
def command(
    config: Path,
    only: tuple[str, ...],
    everything: bool,
    resolvers: tuple[str, ...],
    authorities: Path | None,
    targets: tuple[str, ...],
    ssh_config: Path | None,
    secrets: Path | None,
    as_json: bool,
    **more: Any,
) -> int:
    """Look whether everything that CONFIG describes is well: names, servers, machines.

    The exit status is 0 where all is well, 1 for warnings, 2 for failures, 3 where something could not be asked,
    or the command or the description cannot be read, 4 where --notify is given and anything keeps a notice from
    being told: nobody takes it, or the command, a password, the state or the description cannot be read.
    """
    from mailnix import pipeline
    from mailnix.cli.diagnosis import failed, show, typed
    from mailnix.deploy.start import Reach
    from mailnix.doctor.scene import Scene

    reach = Reach(machine_ways.targets_of(targets), ssh_config)
    said = typed(config, reach, secrets, resolvers, authorities).filled

    def scene(plan: Plan) -> Scene:
        return Scene(plan, secrets, reach.targets, ssh_config, resolvers, authorities, say=output.status, typed=said)

    status = trouble(more)
    try:
        changes = notice_options.taken(more, authorities)
        groups = mail_options.groups(**more, only=only)
        found, news = pipeline.doctor(config, scene, only, changes, secrets, groups)
    except MailnixError as error:
        return failed(error, said, status, as_json=as_json)
    return show(found, news, everything=everything, as_json=as_json)
