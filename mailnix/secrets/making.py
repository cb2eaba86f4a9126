"""`mailnix secrets init`, `rotate` and `put`: make what is missing, keep what exists, replace what is asked for.

Passwords that somebody else has made, a relay's, are put in; for a lab they are made up.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from mailnix.errors import SecretsError
from mailnix.plan.credentials import DANE_KEY, DANE_NEXT
from mailnix.plan.dns import DANE_EE
from mailnix.plan.types import Credential, Plan, SecretKind
from mailnix.secrets import bundles, damage, ec, make
from mailnix.secrets.dkim import OnProgress
from mailnix.secrets.folder import Folder
from mailnix.secrets.value import Secret


@frozen
class Made:
    """A credential that was made or replaced; `entries` are the addresses or domains that a bundle gained."""

    host: str
    name: str
    purpose: str
    entries: tuple[str, ...] = ()


@frozen
class Report:
    """What became of a secrets folder: what was made, how many credentials stayed, what to know about it."""

    folder: Path
    made: tuple[Made, ...]
    kept: int
    notes: tuple[str, ...] = ()


@frozen
class _Work:
    """One run over a folder."""

    plan: Plan
    folder: Folder
    on_progress: OnProgress | None
    made: list[Made] = field(factory=list)

    def put(self, credential: Credential, secret: Secret, entries: tuple[str, ...] = ()) -> None:
        self.folder.put(credential.host, credential.name, secret)
        self.made.append(Made(credential.host, credential.name, credential.purpose, entries))


def init(plan: Plan, folder: Path, on_progress: OnProgress | None = None, *, made_up: bool = False) -> Report:
    """Make every credential of the plan that the folder lacks, and bring copies and public halves up to date.

    Also adds new domains and mailboxes to their bundles. What others have made is `made_up` for a lab, else asked for
    in the notes. Raises SecretsError where the folder is open to others.
    """
    report = _replace(plan, folder, {}, on_progress, made_up=made_up)
    return evolve(report, notes=tuple(_wanted(plan, Folder(folder))))


def put(plan: Plan, folder: Path, name: str, secret: Secret) -> Report:
    """Keep a password that somebody else has made, and bring its copies up to date.

    Raises SecretsError for a name that the plan lacks, one that mailnix makes, and bytes that are no password.
    """
    credential, _ = _find(plan, name)
    if credential.kind is not SecretKind.GIVEN:
        raise SecretsError(f"{name} is made by mailnix", f"make it anew: mailnix secrets rotate CONFIG {name}")
    what = damage.wrong(credential, secret)
    if what is not None:
        raise SecretsError(f"that is no {credential.purpose}: {what}", "it was not kept; give it again")
    anew = Folder(folder).get(credential.host, credential.name) is not None
    report = _replace(plan, folder, {}, None, given={(credential.host, credential.name): secret})
    return evolve(report, notes=tuple(_to_push(plan, report) if anew else ()))


def rotate(plan: Plan, folder: Path, names: Iterable[str], on_progress: OnProgress | None = None) -> Report:
    """Make the named credentials anew, one by one, and what depends on them.

    A name is `NAME` or `HOST/NAME`; `mailcow.dkim:example.org` and `mailcow.mailboxes:me@example.org` name one entry
    of a bundle. Raises SecretsError for a name that the plan lacks, before anything changes.
    """
    chosen: dict[tuple[str, str], set[str]] = {}
    for name in names:
        credential, entry = _find(plan, name)
        if credential.kind is SecretKind.GIVEN:
            raise SecretsError(
                f"the {credential.purpose} is not ours to make", f"change it there, then: {put_in(credential)}"
            )
        chosen.setdefault((credential.host, credential.name), set()).add(entry)
        if credential.name == DANE_KEY:  # the next one takes its place: see `_single`
            chosen.setdefault((credential.host, DANE_NEXT), set()).add("")
    report = _replace(plan, folder, chosen, on_progress)
    return evolve(report, notes=(*_notes(chosen, Folder(folder)), *_to_push(plan, report)))


def _replace(
    plan: Plan,
    path: Path,
    chosen: Mapping[tuple[str, str], set[str]],
    on_progress: OnProgress | None,
    *,
    given: Mapping[tuple[str, str], Secret] | None = None,
    made_up: bool = False,
) -> Report:
    given = given or {}
    folder = Folder(path)
    folder.create()
    work = _Work(plan, folder, on_progress)
    with folder.locked():
        # The key that takes another's place is used, not replaced.
        taking = {(host, DANE_NEXT) for host, name in chosen if name == DANE_KEY}
        _refuse_damaged(plan, folder, {*chosen, *given} - taking)
        for credential in plan.credentials:
            place = (credential.host, credential.name)
            entries = chosen.get(place, set())
            if place in given:
                work.put(credential, given[place])
            elif credential.kind in bundles.BUNDLES:
                _bundle(work, credential, entries)
            elif credential.kind is SecretKind.GIVEN and not made_up:
                continue
            elif credential.source is None and (entries or _lacks(folder, credential)):
                work.put(credential, _single(folder, credential))
        for credential in plan.credentials:
            _follow(work, credential)
        folder.put_public(_public(plan, folder))
        missing = len(_missing(plan, folder))
    return Report(path, tuple(work.made), len(plan.credentials) - len(work.made) - missing)


def _lacks(folder: Folder, credential: Credential) -> bool:
    """Whether it is to be made; a next key that has taken a lost one's place is a machine's, and no next one."""
    kept = folder.get(credential.host, credential.name)
    return kept is None or (credential.name == DANE_NEXT and kept == folder.get(credential.host, DANE_KEY))


def _single(folder: Folder, credential: Credential) -> Secret:
    """What stands for itself, made; a proxy's key is the one that DNS has had as its next all the time."""
    waiting = folder.get(credential.host, DANE_NEXT) if credential.name == DANE_KEY else None
    return waiting or make.single(credential.kind)


def _missing(plan: Plan, folder: Folder) -> list[Credential]:
    """What only somebody else can have made, and nobody has put in."""
    return [c for c in plan.credentials if c.kind is SecretKind.GIVEN and folder.get(c.host, c.name) is None]


def _wanted(plan: Plan, folder: Folder) -> Iterable[str]:
    for credential in _missing(plan, folder):
        if credential.source is None:
            yield f"the {credential.purpose} is still to be put in: {put_in(credential)}"


def _refuse_damaged(plan: Plan, folder: Folder, chosen: Container[tuple[str, str]]) -> None:
    """Raise SecretsError, before anything changes, where a credential that stays is damaged."""
    for credential in plan.credentials:
        place = (credential.host, credential.name)
        kept = None if credential.source is not None or place in chosen else folder.get(*place)
        if kept is not None:
            damage.ensure(credential, kept)


def _bundle(work: _Work, credential: Credential, replaced: set[str]) -> None:
    """Fill a bundle; `replaced` are entries to make anew, "" among them for all."""
    before = work.folder.get(credential.host, credential.name)
    entries = {} if "" in replaced else bundles.load(before, credential.kind, f"{credential.host}/{credential.name}")
    for entry in replaced - {""}:
        entries.pop(entry, None)

    def save(secret: Secret) -> None:
        work.folder.put(credential.host, credential.name, secret)

    topology, read = work.plan.topology, work.folder.text
    gained = bundles.fill(credential.kind, entries, topology, save, work.on_progress, read=read)
    if gained or before is None:
        work.made.append(Made(credential.host, credential.name, credential.purpose, gained))


def _follow(work: _Work, credential: Credential) -> None:
    """Bring a derived credential in line with its source."""
    if credential.source is None:
        return
    source = work.folder.get(*credential.source)
    if source is None and credential.kind is SecretKind.GIVEN:
        return  # it is still to be put in
    assert source is not None, "every source is made before what follows it"
    secret = make.derived(credential.kind, source)
    if work.folder.get(credential.host, credential.name) != secret:
        work.put(credential, secret)


def _public(plan: Plan, folder: Folder) -> dict[str, Any]:
    wireguard: dict[str, dict[str, str]] = {}
    keys: dict[str, dict[str, str]] = {}
    for link in plan.tunnels:
        for end in (link.proxy, link.internal):
            private = folder.get(end.host, end.private_key)
            if private is not None:
                wireguard.setdefault(end.host, {})[end.interface] = make.wireguard_public(private)
    for credential in plan.credentials:
        if credential.kind is SecretKind.DKIM_BUNDLE:
            kept = folder.get(credential.host, credential.name)
            keys |= bundles.dkim_public(bundles.load(kept, credential.kind, f"{credential.host}/{credential.name}"))
    tlsa = {proxy.name: _digests(folder, proxy.name) for proxy in plan.proxies if proxy.dane}
    return {"wireguard": wireguard, "dkim": keys, **({"tlsa": tlsa} if tlsa else {})}


def _digests(folder: Folder, proxy: str) -> list[str]:
    """What TLSA records have of a proxy's keys, the one that it shows first."""
    keys = ((name, folder.get(proxy, name)) for name in (DANE_KEY, DANE_NEXT))
    return [ec.digest(key, f"{proxy}/{name}") for name, key in keys if key is not None]


def _find(plan: Plan, name: str) -> tuple[Credential, str]:
    """The credential that a user names, and the entry of a bundle ("" for all of it)."""
    whole, _, entry = name.partition(":")
    host, _, bare = whole.rpartition("/")
    found = [c for c in plan.credentials if c.name == bare and host in ("", c.host)]
    known = "mailnix plan CONFIG lists the names"
    if not found:
        raise SecretsError(f"no credential is called {whole!r}", known)
    if len(found) > 1:
        raise SecretsError(
            f"{bare} is on several machines", f"say which: {' or '.join(f'{c.host}/{bare}' for c in found)}"
        )
    credential = found[0]
    if credential.source is not None:
        raise SecretsError(f"{whole} follows another credential", f"rotate that one: {'/'.join(credential.source)}")
    if entry and entry not in _entries(plan, credential):
        raise SecretsError(f"{credential.name} has no entry {entry!r}", "use a domain or a mailbox of the topology")
    return credential, entry


def put_in(credential: Credential) -> str:
    """The command that a password of somebody else's is put in by."""
    return f"mailnix secrets put CONFIG {credential.host}/{credential.name}"


def _entries(plan: Plan, credential: Credential) -> set[str]:
    if credential.kind is SecretKind.DKIM_BUNDLE:
        return set(plan.domain_names)
    return set(bundles.mailboxes(plan.topology)) if credential.kind is SecretKind.MAILBOX_BUNDLE else set()


def _notes(chosen: Iterable[tuple[str, str]], folder: Folder) -> Iterable[str]:
    from mailnix.plan import credentials as names

    rotated = {name for _, name in chosen}
    if names.MAILCOW_DKIM in rotated:
        yield "publish the new DKIM records (mailnix dns) before the machines get the new keys"
    for host in sorted(host for host, name in chosen if name == DANE_KEY):
        record = f"{DANE_EE} {_digests(folder, host)[0]}"
        yield f"where DNS has had {record} for a day, push {host}'s new key; then publish what mailnix dns prints"
    if DANE_NEXT in rotated and DANE_KEY not in rotated:
        yield "publish the new TLSA record (mailnix dns), and a day later the key may take its turn"
    if names.MAILCOW_MAILBOXES in rotated:
        yield "a first password is only used when its mailbox is made; existing mailboxes keep theirs"
    if rotated & {names.MAILCOW_DBPASS, names.MAILCOW_DBROOT}:
        yield "an existing database is given the new password when Mailcow restarts after the push"


def _to_push(plan: Plan, report: Report) -> Iterable[str]:
    """What hands the machines that have them the new ones; what is withheld from its machine waits for nothing.

    Home comes first: a new key of the tunnel's on the proxy cuts the way to it.
    """
    for host in reversed(plan.hosts):
        theirs = {(each.host, each.name) for each in host.credentials}
        if any((made.host, made.name) in theirs for made in report.made):
            words = f"seed CONFIG {host.name} --replace" if host.sealed else f"push CONFIG {host.name}"
            yield f"{host.name} runs on what it had until: mailnix secrets {words}"
