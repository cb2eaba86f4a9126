"""The order of the stages: load → derive → emit → build → lab. The one file that knows it."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from mailnix.errors import AdoptError, BuildError, ConfigError, Severity
from mailnix.formats.backend import Backend
from mailnix.plan import Plan, derive
from mailnix.plan.processors import MEDIA_ARE, left_out, refuse_others, usual

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailnix.adopt import Adopted, Existing
    from mailnix.deploy.asking import TakeOver
    from mailnix.deploy.start import Reach, Wish
    from mailnix.deploy.values import Report as DeployReport
    from mailnix.doctor.notifying import Notices
    from mailnix.doctor.registry import Group
    from mailnix.doctor.scene import Scene
    from mailnix.doctor.values import Finding
    from mailnix.errors import Problem
    from mailnix.image import Format, Manifest, Progress
    from mailnix.image.packages import Made
    from mailnix.lab.prepare import Options as LabOptions
    from mailnix.lab.scenario.values import Outcome, Report
    from mailnix.model import Topology
    from mailnix.nixos.carried import Modules
    from mailnix.plan import DnsRecord
    from mailnix.published import Look
    from mailnix.secrets import Secret, Taken
    from mailnix.starter import Answers
    from mailnix.tree import Tree
    from mailnix.zones.forms import Form

SECRETS_FOLDER = "secrets"
NIXOS_IS = "NixOS's machines are"


@frozen
class Changes:
    """That only what has changed is wanted; `file` keeps what is known (none: where the user's state is kept).

    `notices`: that somebody is to be told of it, too.
    """

    file: Path | None = None
    notices: Notices | None = None


def load(config: Path) -> Topology:
    """The topology of a .py, .toml or .json file; raises ConfigError with every mistake in it."""
    from mailnix import config as loader
    from mailnix.model.check import ensure

    topology = loader.load(config)
    ensure(topology, str(config))
    return topology


def secrets_folder(config: Path, folder: Path | None = None) -> Path:
    """Where a description's secrets are: the folder given, or `secrets/` beside it."""
    return folder or config.resolve().parent / SECRETS_FOLDER


def problems(config: Path, secrets: Path | None = None) -> tuple[Problem, ...]:
    """Every mistake in a description, and once it has no errors, what is damaged in its secrets folder."""
    from mailnix import config as loader
    from mailnix.model import check

    try:
        topology = loader.load(config)
    except ConfigError as error:
        return error.problems
    found, folder = check.problems(topology), secrets_folder(config, secrets)
    if any(problem.severity is Severity.ERROR for problem in found) or not folder.is_dir():
        return found
    from mailnix.secrets import damaged

    return (*found, *damaged(derive(topology), folder))


def decided(config: Path) -> Plan:
    """Everything decided about a description, whatever its secrets folder holds: for who makes or mends that."""
    return derive(load(config))


def plan(config: Path, secrets: Path | None = None) -> Plan:
    """Everything decided about a description; records of keys are whole where the secrets folder has public halves.

    Raises SecretsError where a credential in that folder is damaged.
    """
    folder = secrets_folder(config, secrets)
    if not folder.is_dir():
        return decided(config)
    from mailnix.secrets import public_keys, refuse

    whole = derive(load(config), public_keys(folder))
    refuse(whole, folder)
    return whole


def existing(source: str, key: Callable[[], Secret], hostname: str, ca: Path | None) -> Existing:
    """What an existing Mailcow holds: by its API where `source` is a URL, for which `key` is asked, else over SSH.

    Raises AdoptError.
    """
    from attrs import evolve

    from mailnix.adopt import https, ssh

    if "://" not in source and "@" not in source:
        raise AdoptError(f"{source!r} names no Mailcow", "write https://mail.example.org, or root@ADDRESS")
    if source.startswith("ssh://") or "://" not in source:
        found = ssh.read(ssh.target_of(source))
    else:
        base = https.base_of(source)
        found = https.read(base, https.getter(base, key(), ca), https.host_of(base))
    return evolve(found, hostname=hostname or found.hostname)


def adopt(found: Existing, answers: Answers, target: Path, secrets: Path) -> tuple[Adopted, Taken]:
    """Write the description that fits an existing Mailcow, and its DKIM keys where it gave them.

    Nothing is written before all of it is known to be sound; raises ConfigError, SecretsError, BuildError.
    """
    from mailnix.adopt import adopted
    from mailnix.secrets import take_dkim
    from mailnix.write import write_file, writing

    made = adopted(found, answers)
    keys = {name: key.private for name, key in found.keys.items() if key.private is not None}
    taken = take_dkim(derive(made.topology), secrets, keys)
    with writing(target):
        write_file(target, made.text.encode())
    return made, taken


def modules() -> Modules:
    """Where an emitted flake has mailnix's NixOS modules from: $MAILNIX_FLAKE, a reference, or a copy of its own."""
    from mailnix.nixos.carried import Reference, copied

    given = os.environ.get("MAILNIX_FLAKE")
    return Reference(given) if given else copied()


def trees(plan: Plan, backend: Backend) -> Tree:
    """What `mailnix emit` writes: the flake, or a tree for each Debian machine."""
    match backend:
        case Backend.NIXOS:
            from mailnix.nixos.flake import emit

            refuse_others(plan, NIXOS_IS)
            return emit(plan, modules())
        case Backend.DEBIAN:
            from mailnix.debian.emit import emit as emit_debian
            from mailnix.debian.host import debian_hosts

            return emit_debian(debian_hosts(plan))


def emit(plan: Plan, backend: Backend, out: Path, *, diff: bool = False) -> str:
    """Write the machines' files below `out`; with `diff`, write nothing and say what would change.

    Raises BuildError where `out` has what was emitted for another backend.
    """
    from mailnix.write import diff_tree, write_tree

    there = _emitted_for(out)
    if there not in (None, backend):
        hint = f"write into another folder, remove this one, or say --backend {there}"
        raise BuildError(f"{out} has what was emitted with --backend {there}", hint)
    tree = trees(plan, backend)
    if diff:
        return "\n".join(f"{each.kind} {each.path}\n{each.diff}".rstrip() for each in diff_tree(tree, out))
    write_tree(tree, out)
    return ""


def emit_packages(plan: Plan, out: Path, progress: Progress) -> tuple[Made, ...]:
    """Write a Debian package a machine into `out`, and Haraka's: the next generation of what is described otherwise.

    Raises BuildError, ToolMissing.
    """
    from mailnix.debian.host import debian_hosts
    from mailnix.image.packages import write_packages

    refuse_others(plan, "packages are")
    return write_packages(debian_hosts(plan), out, progress=progress)


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


def _emitted_for(out: Path) -> Backend | None:
    """The backend that a folder was last written for; None where mailnix wrote nothing there."""
    from mailnix.nixos.flake import FLAKE
    from mailnix.write import written

    paths = written(out)
    if not paths:
        return None
    return Backend.NIXOS if FLAKE in paths else Backend.DEBIAN


def refuse_images(plan: Plan, backend: Backend, form: Format) -> None:
    """Raise BuildError where a machine's processor has no such image; of media, where none has one."""
    from mailnix.image import Format

    if backend is Backend.NIXOS:
        refuse_others(plan, NIXOS_IS)
    if form is Format.ISO and not usual(plan):
        refuse_others(plan, MEDIA_ARE)


def build(
    plan: Plan,
    backend: Backend,
    form: Format,
    out: Path,
    *,
    mailcow_source: Path | None = None,
    local: Path | None = None,
    disk_serials: Mapping[str, str] | None = None,
    progress: Progress,
) -> Manifest:
    """One disk image a machine in `out`, a manifest, and what helps to write them onto disks.

    Machines without media for their processor are named, and left out of those. `local` is the folder of what a NixOS
    machine's owner adds; `disk_serials` are the disks that media install to without a question, by machine.
    """
    from mailnix.image import Format, read_manifest
    from mailnix.image.beside import lay_beside
    from mailnix.image.media import build_media

    refuse_images(plan, backend, form)
    hosts = usual(plan) if form is Format.ISO else plan.hosts
    if others := [host for host in plan.hosts if host not in hosts]:
        progress(f"no medium: {left_out(others, MEDIA_ARE)}")
    names = [host.name for host in hosts]
    images = partial(_images, plan, backend, names, mailcow_source=mailcow_source, local=local, progress=progress)
    if form is Format.ISO:
        build_media(partial(images, Format.RAW_GZ), names, out, disk_serials or {}, progress=progress)
    else:
        images(form, out)
    manifest = read_manifest(out)
    if manifest is None:
        raise BuildError(f"{out} has no manifest after the build", "run the same command again")
    lay_beside(out, manifest)
    return manifest


def _images(
    plan: Plan,
    backend: Backend,
    names: Sequence[str],
    form: Format,
    out: Path,
    *,
    mailcow_source: Path | None,
    local: Path | None,
    progress: Progress,
) -> None:
    from mailnix.image import build_images
    from mailnix.image import nix as nix_images
    from mailnix.image.hosts import host_builds

    match backend:
        case Backend.NIXOS:
            nix_images.build(_with_local(plan, local, progress), names, form, out, progress)
        case Backend.DEBIAN:
            builds = [each for each in host_builds(plan, mailcow_source) if each.name in names]
            build_images(builds, out, form, progress=progress)


def images_disk(
    plan: Plan, files: Sequence[Path], source: Path | None, out: Path, form: Format, progress: Progress
) -> Path | None:
    """The disk that the machine at home loads Mailcow's images from, made of archives of `docker save`, if any.

    It is raw where machines' are packed: layers of Docker images are packed already, and it is gigabytes.
    """
    if not files:
        return None
    from mailnix.image import Format
    from mailnix.image.images_disk import images_disk, images_of

    plain = Format.RAW if form in (Format.RAW_GZ, Format.ISO) else form
    processor = plan.internal.architecture
    return images_disk(files, images_of(source), out, plain, architecture=processor, progress=progress)


def local_folder(config: Path, folder: Path | None = None) -> Path | None:
    """Modules that the owner of NixOS machines adds: the folder given, or `local/` beside the description, if any."""
    from mailnix.nixos.flake import LOCAL

    beside = config.resolve().parent / LOCAL
    return folder or (beside if beside.is_dir() else None)


def _with_local(plan: Plan, folder: Path | None, progress: Progress) -> Tree:
    """The flake with its owner's modules; says which of them count."""
    from mailnix.nixos.local import added_to, local
    from mailnix.tree import Tree

    flake, names = trees(plan, Backend.NIXOS), [host.name for host in plan.hosts]
    files = () if folder is None else local(folder, names)
    if added := added_to(files, names):
        progress(f"with {', '.join(f'{name}.nix' for name in added)} from {folder}")
    else:
        progress("with no modules of yours: there are none in local/ beside the description, and no --local DIR")
    return Tree.of((*flake, *files))


def deploy(
    config: Path,
    wish: Wish,
    reach: Reach,
    *,
    take_over: TakeOver,
    progress: Progress,
) -> DeployReport:
    """Bring machines that run to their description, over SSH; credentials that are missing are made first.

    Raises DeployError: `Failed`, with a report, where
    something had been changed already.
    """
    from mailnix.deploy import deploying, start

    folder = secrets_folder(config, wish.secrets)
    described = decided(config)
    refuse_others(described, "deploy is")
    start.refuse_unknown(described, (*wish.hosts, *reach.targets))
    start.refuse_new_folder(described, folder, wish, reach, progress)
    if not wish.dry_run:
        start.credentials_made(described, folder, progress)
    whole = plan(config, wish.secrets)
    flake = partial(_with_local, whole, local_folder(config, wish.local), progress)
    with start.started(whole, folder, wish, reach, take_over, progress, flake) as given:
        return deploying.deploy(given)


def rollback(
    config: Path,
    number: int | None,
    wish: Wish,
    reach: Reach,
    *,
    databases: bool,
    progress: Progress,
) -> DeployReport:
    """Bring the machine that is wished for to a generation that it keeps, and what a tunnel ties to it.

    With `databases`, an older Mailcow comes back with the database that it had.
    """
    from mailnix.deploy import rolling, start

    folder, (host,) = secrets_folder(config, wish.secrets), wish.hosts
    whole = plan(config, wish.secrets)
    flake = partial(_with_local, whole, local_folder(config), progress)
    with start.started(whole, folder, wish, reach, lambda _: False, progress, flake) as given:
        return rolling.rollback(given, host, number, databases=databases)


def doctor(
    config: Path,
    scene: Callable[[Plan], Scene],
    only: Sequence[str],
    changes: Changes | None = None,
    secrets: Path | None = None,
    more: Sequence[Group[Any]] = (),
) -> tuple[tuple[Finding, ...], tuple[Finding, ...] | None]:
    """What the checks named in `only` (none: all) find, and with `changes` what of it is news.

    `more` are groups that somebody asks for beside those that always run.
    Raises MailnixError where nothing can be looked at; `Untold` with what was found where nobody takes the notice, or
    where what is known cannot be kept, which is tried before: then it stays news.
    """
    from mailnix.deploy.start import refuse_unknown
    from mailnix.doctor import doctoring, notifying, state
    from mailnix.doctor.registry import chosen, groups

    known = (*groups(), *more)
    wanted = chosen(only, known)
    file = None if changes is None else changes.file or state.default_file(config)
    before = {} if file is None else state.read(file)
    given = scene(plan(config, secrets))
    refuse_unknown(given.plan, given.targets)
    notices = None if changes is None else changes.notices
    if notices is not None:
        notices.ready(given)
    found = tuple(doctoring.findings(given, known, wanted))
    if file is None:
        return found, None
    news, _ = state.changes(before, found, wanted)
    with notifying.untold(found, news), state.held(file):
        # Another run may have told of it meanwhile.
        before = state.read(file)
        news, after = state.changes(before, found, wanted)
        if notices is not None and news:
            state.write(file, before)  # a mail that cannot be remembered would be sent by every run
            notices.tell(given, news)
        state.write(file, after)
    return found, news


def lab(
    config: Path,
    options: LabOptions,
    progress: Progress,
    *,
    on_outcome: Callable[[Outcome], None],
    keep: bool = False,
    resume: bool = False,
    quick: bool = False,
) -> Report:
    """Boot every machine and the simulated internet, and exchange mail; `on_outcome` gets each check's outcome.

    A `quick` one ends when all mail was exchanged. `progress` is told each `Stage` as it begins.
    """
    from mailnix.lab.lab import start
    from mailnix.lab.scenario import checks_for, exchanging, run_checks, stage
    from mailnix.lab.stages import Stage

    begin, rest = time.monotonic(), iter((Stage.REST,))

    def on_each(outcome: Outcome) -> None:
        if not outcome.group.is_mail:
            for begins in rest:  # once
                progress(begins)
        on_outcome(outcome)

    whole = plan(config, options.secrets)
    refuse_others(whole, "the lab's machines are")
    with start(whole, options, progress, keep=keep, resume=resume) as running:
        checks = exchanging(running.plan) if quick else checks_for(running.plan)
        progress(Stage.MAIL)
        return run_checks(checks, stage(running), on_each, begin)
