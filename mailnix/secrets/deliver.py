"""How credentials reach a machine: a seed disk for its first boot, or SSH to one that runs."""

from __future__ import annotations

import io
import secrets
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from mailnix.errors import CommandFailed, SecretsError
from mailnix.plan.types import Credential, Plan, SecretKind
from mailnix.run import Runner, run
from mailnix.secrets import damage
from mailnix.secrets.folder import Folder
from mailnix.secrets.ssh import explain, push_argv
from mailnix.secrets.value import Secret
from mailnix.services.credentials.names import (
    CA_CERTIFICATES,
    CREDSTORE,
    LABEL,
    REPLACE_MARKER,
    SEED_ID,
)
from mailnix.ssh import Way, ways

MakeDisk = Callable[[Mapping[str, bytes], Path, str], object]
"""Makes a small ext2 image that only we can read: content by path, file to write, label."""

PUSH_TIMEOUT: Final = 300.0  # seconds; services restart at the other end


def seed(
    plan: Plan,
    host: str,
    folder: Path,
    out: Path,
    ca_certificates: Sequence[bytes] = (),
    *,
    replace: bool = False,
    make_disk: MakeDisk | None = None,
) -> Path:
    """Write a host's seed disk (mode 0600) to `out`.

    `ca_certificates` are PEM texts that the machine shall trust. `replace` lets the disk's credentials take the place
    of those that the machine has; else it takes only what it lacks. Raises SecretsError, with all that is missing or
    damaged, before anything is written.
    """
    strange = _no_certificates(ca_certificates)
    files = {f"{CREDSTORE}/{name}": data for name, data in _of_host(plan, host, folder, strange).items()}
    files |= {f"{CA_CERTIFICATES}/mailnix-{n}.crt": pem for n, pem in enumerate(ca_certificates, start=1)}
    files[SEED_ID] = f"{secrets.token_hex(16)}\n".encode()
    if replace:
        files[REPLACE_MARKER] = b""
    try:
        (make_disk or _make_disk())(files, out, LABEL)
    except OSError as error:
        raise SecretsError(f"the seed disk {out} cannot be written: {error.strerror or error}") from None
    return out


def _make_disk() -> MakeDisk:
    from mailnix.image.seeddisk import make_labelled_disk

    return make_labelled_disk


def push(plan: Plan, host: str, folder: Path, way: Way, *, runner: Runner = run) -> tuple[str, ...]:
    """Hand a host's credentials over SSH.

    Gives the names of what was handed over; raises SecretsError where the machine is not reached or refuses them.
    """
    files = _of_host(plan, host, folder)
    try:
        runner(push_argv(way), stdin=tar(files), timeout=PUSH_TIMEOUT)
    except CommandFailed as error:
        raise explain(error, host, way) from None
    return tuple(files)


def credentials_of(plan: Plan, host: str, folder: Path) -> dict[str, Secret]:
    """Every credential of a host, by name; raises SecretsError where the folder lacks one or the plan the host."""
    return {name: Secret(data) for name, data in _of_host(plan, host, folder).items()}


def way_to(plan: Plan, host: str, config: Path | None = None) -> Way:
    """The plan's own way to a machine: by a jump host where there is one, for that works from anywhere.

    Raises SecretsError where nobody logs in, or only the home router knows the address.
    """
    _known(plan, host)
    if plan.host(host).sealed:
        raise SecretsError(f"{host} is sealed: nobody logs in", f"give it a disk: mailnix secrets seed CONFIG {host}")
    for way in ways(plan, host, config):
        return way
    raise SecretsError(f"only the home router knows the address of {host}", "say where it is: --to root@ADDRESS")


def _known(plan: Plan, host: str) -> None:
    names = [machine.name for machine in plan.hosts]
    if host not in names:
        raise SecretsError(f"no machine is called {host!r}", f"there is {', '.join(names)}")


def _of_host(plan: Plan, host: str, folder: Path, more: Iterable[SecretsError] = ()) -> dict[str, bytes]:
    """Every credential of a host, by name; raises SecretsError where the folder lacks one or the plan the host.

    It says all that is wrong at once, and what is wrong `more`: the machine would find out much later, and one by one.
    """
    store = Folder(folder)
    store.check()
    _known(plan, host)
    found: dict[str, bytes] = {}
    faults: list[SecretsError] = []
    for credential in plan.host(host).credentials:
        try:
            found[credential.name] = _sound(store, credential).reveal()
        except SecretsError as fault:
            faults.append(fault)
    _refuse(host, [*faults, *more])
    return found


def _sound(store: Folder, credential: Credential) -> Secret:
    secret = store.get(credential.host, credential.name)
    if secret is None:
        raise _lacking(credential)
    damage.ensure(credential, secret)
    return secret


def _refuse(host: str, faults: Sequence[SecretsError]) -> None:
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise SecretsError(
            f"{host} cannot have its credentials, for {len(faults)} reasons: "
            + "; ".join(fault.message for fault in faults),
            "mailnix secrets init CONFIG makes what is missing, mailnix check CONFIG says how to mend what is damaged",
        )


def _no_certificates(texts: Sequence[bytes]) -> Iterator[SecretsError]:
    """What of authorities a machine could not read; it would trust nobody that they have signed for."""
    from cryptography.x509 import load_pem_x509_certificates

    for number, pem in enumerate(texts, start=1):
        try:
            load_pem_x509_certificates(pem)
        except ValueError:
            hint = "give what openssl x509 -in FILE -inform DER prints, if it is one in another form"
            yield SecretsError(f"certificate {number} is no certificate in PEM", hint)


def _lacking(credential: Credential) -> SecretsError:
    name = f"{credential.host}/{credential.name}"
    if credential.kind is SecretKind.GIVEN:
        source = "/".join(credential.source or (credential.host, credential.name))
        return SecretsError(f"{name} has not been put in", f"put it in with: mailnix secrets put CONFIG {source}")
    return SecretsError(f"{name} has not been made", "make it with: mailnix secrets init CONFIG")


def tar(files: Mapping[str, bytes]) -> bytes:
    """An archive of files that only their owner reads."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o600
            archive.addfile(member, io.BytesIO(data))
    return sink.getvalue()
