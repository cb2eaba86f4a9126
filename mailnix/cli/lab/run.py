"""`mailnix lab CONFIG`: boot, exchange mail, report."""

from __future__ import annotations

from pathlib import Path

import click

from mailnix.cli import nixos_options, options, output


@click.command("run")
@options.config
@click.option("--keep", is_flag=True, help="Leave the machines running, and say how to look around.")
@click.option("--resume", is_flag=True, help="Start from the state that an earlier such run saved.")
@click.option("--quick", is_flag=True, help="Only exchange mail; leave out power cuts, port scans and the like.")
@click.option("--servers", is_flag=True, help="Plain Debian 13 servers, which a deploy makes the machines.")
@options.backend
@nixos_options.nixpkgs
@nixos_options.local
@options.mailcow
@options.mailcow_source
@options.mailcow_images
@click.option("--state-dir", type=options.PATH, metavar="DIR", help="The lab's folder [default: in the cache].")
@options.secrets
@options.as_json
def command(
    config: Path,
    keep: bool,
    resume: bool,
    quick: bool,
    servers: bool,
    backend: str,
    nixpkgs: Path | None,
    local: Path | None,
    mailcow: str,
    mailcow_source: Path | None,
    mailcow_images: tuple[Path, ...],
    state_dir: Path | None,
    secrets: Path | None,
    as_json: bool,
) -> int:
    """Build, boot, exchange mail, report, shut down. Exit status 1 where a check fails."""
    from mailnix import pipeline
    from mailnix.cli.lab.report import advice, on_outcome
    from mailnix.cli.lab.summary import passed, show
    from mailnix.formats.backend import Backend
    from mailnix.lab.prepare import Mailcow, Options, default_state_dir
    from mailnix.lab.stages import WITHOUT_THE_REST, Stage, Stages

    system = Backend(backend)
    nixos_options.begin(system, nixpkgs)
    options.refuse_together(mailcow, mailcow_images, backend, servers=servers)
    made = Options(
        state_dir or default_state_dir(config, system, servers=servers),
        pipeline.secrets_folder(config, secrets),
        Mailcow(mailcow),
        mailcow_source,
        mailcow_images,
        backend=system,
        nixpkgs=nixpkgs,
        local=pipeline.local_folder(config, local),
        servers=servers,
    )
    progress = Stages(output.status, WITHOUT_THE_REST if quick else tuple(Stage))
    report = pipeline.lab(config, made, progress, on_outcome=on_outcome, keep=keep, resume=resume, quick=quick)
    show(report, progress.took(), made, as_json)
    if keep:
        output.status(advice(pipeline.plan(config, secrets), made.state_dir))
    return 0 if passed(report.outcomes) == len(report.outcomes) else 1
