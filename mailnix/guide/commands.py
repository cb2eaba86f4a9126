"""The commands in their order, with the user's own file and machines."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from attrs import frozen

from mailnix.plan import HostPlan, InternalPlan, Plan, SecretKind
from mailnix.plan.logins import UNKNOWN, USER

_OUT: Final = "out"
_FINDINGS: Final = "doctor.json"


@frozen
class Command:
    """A line to type; `root` where it wants root, on this computer."""

    line: str
    root: bool = False


@frozen
class Step:
    """What to do, and the commands that do it."""

    title: str
    text: str
    commands: tuple[Command, ...] = ()


@frozen
class Words:
    """How commands name what they work on: the description, and options that all of them need."""

    config: str
    options: str = ""

    def line(self, verb: str, *more: str) -> str:
        """`mailnix VERB CONFIG …`."""
        return " ".join(word for word in ("mailnix", verb, self.config, self.options, *more) if word)


def words(config: str, secrets: str = "") -> Words:
    """Names of files as a shell takes them; `secrets` only where the folder is not the usual one."""
    return Words(shlex.quote(config), f"--secrets {shlex.quote(secrets)}" if secrets else "")


def first(said: Words, plan: Plan) -> tuple[Step, ...]:
    """What comes before the machines."""
    described = Step("Describe", "Done: this page was made of it. Where you change it, make this page anew.")
    check = Step("Check", "Every mistake at once, each with what to do.", (Command(said.line("check")),))
    secrets = Step(
        "Make the secrets",
        "Keys and first passwords, in a folder that only you can read. Keep a copy of it in a safe place.",
        (Command(said.line("secrets init")), *_given(said, plan)),
    )
    return (described, check, secrets)


def _given(said: Words, plan: Plan) -> Iterator[Command]:
    """Passwords that others have made, each once."""
    for credential in plan.credentials:
        if credential.kind is SecretKind.GIVEN and credential.source is None:
            yield Command(said.line("secrets put", f"{credential.host}/{credential.name}"))


def onto_servers(said: Words, plan: Plan) -> tuple[Step, ...]:
    """Onto plain Debian servers, over SSH; nothing where a machine is sealed, since nobody logs in there."""
    if any(host.sealed for host in plan.hosts):
        return ()
    logins = tuple(Command(f"ssh {_target(host)}") for host in plan.hosts)
    return (
        Step("Log in once", "To each machine, so that SSH knows its host key.", logins),
        Step(
            "Deploy",
            "It asks before it takes a server over, and takes back what does not work.",
            (Command(said.line("deploy", to_home(plan, has_tunnel=False))),),
        ),
    )


def as_images(said: Words, plan: Plan) -> tuple[Step, ...]:
    """As disk images, for who can boot one."""
    seeds = tuple(Command(said.line("secrets seed", host.name)) for host in plan.hosts)
    return (
        Step("Build", "A disk image for each machine.", (Command(said.line("build", f"--out {_OUT}"), root=True),)),
        Step("Make the seed disks", "Small disks with each machine's secrets.", seeds),
        Step("Boot", "Each machine with its image and its seed disk; then take the seed disk away."),
    )


def last(said: Words, plan: Plan) -> tuple[Step, ...]:
    """What comes once the machines run."""
    return (
        Step("Publish the records", "Those below; or import them all as zone files.", (Command(said.line("dns")),)),
        Step(
            "Look whether all is well",
            "New records take up to an hour to be seen everywhere. The last two lines put the answers onto this page.",
            (
                Command(said.line("doctor", to_home(plan))),
                Command(said.line("doctor", to_home(plan), f"--json >{_FINDINGS}")),
                Command(said.line("guide", f"--doctor {_FINDINGS}")),
            ),
        ),
        Step("Send", f"Log in at https://{plan.topology.hostname}, choose a password of your own, write to a friend."),
    )


def to_home(plan: Plan, *, has_tunnel: bool = True) -> str:
    """The option that says where home is, unless the plan does; before it is set up, nobody comes by the tunnel."""
    ways = (each for each in plan.logins if each.host == plan.internal.name and (has_tunnel or each.jump is None))
    known = any(UNKNOWN not in each.target for each in ways)
    return "" if known else f"--to {plan.internal.name}={_target(plan.internal)}"


def login(plan: Plan, host: HostPlan) -> str:
    """How to log in to a machine, as the command that is typed; empty where nobody does."""
    return next((each.command for each in plan.logins if each.host == host.name), "")


def _target(host: HostPlan) -> str:
    """Where a machine is while it is a plain server: home has no tunnel yet."""
    if isinstance(host, InternalPlan):
        at_home = (str(address.ip) for address in host.uplink.addresses if address.version == 4)
        return f"{USER}@{next(at_home, UNKNOWN)}"
    return f"{USER}@{host.ipv4}"
