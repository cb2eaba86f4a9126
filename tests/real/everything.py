"""All that a description says of addresses and mailboxes, each on a mailbox of its own; and the same with less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from mailnix import Alias, AppPassword, Domain, Mailbox, Topology
from tests.real.description import DESCRIPTION

HERE: Final = "people.example"
MIRROR: Final = "mirror.example"
IDN_MIRROR: Final = "xn--mnchen-3ya.example"
OUTSIDE: Final = "me@elsewhere.example"
FILE: Final = "passwords/filed"
FILED: Final = "a Password of its owner's 1"
HASHED: Final = "correct horse 7"
HASH: Final = (  # of HASHED
    "{SHA512-CRYPT}$6$mailnixmailnix$"
    "xqw.Rpezk8Z6H0A3eyC/lrEWEpN36va.kk/z.9GHKAANraikFUcEmtMjf/x5Og7jG9q8pxSG9TDjDmAL1zQVY."
)
CARL: Final = Mailbox("carl", name="Carl, who leaves one day")

BOXES: Final[Mapping[str, Mailbox]] = {
    box.local_part: box
    for box in (
        Mailbox("anna", name="<Anna <A.> B>>"),
        Mailbox("ben", quota="2 GiB", sends_per_hour=5, forward_to=["anna", OUTSIDE]),
        CARL,
        Mailbox("shop", send_as=["noreply", f"@{MIRROR}", f"sales@{MIRROR}"]),
        Mailbox("boss", quota="1.5 GiB", sends_per_hour=0, send_as=["*"]),
        Mailbox("scanner", protocols=["smtp"], app_passwords=["copier"]),
        Mailbox("phone", app_passwords=[AppPassword("My phone 2", ["imap", "smtp", "dav", "eas"]), "laptop"]),
        Mailbox("gone", state="archived", forward_to=[" anna ", "ben"], keep_copy=False),
        Mailbox("off", state="inactive"),
        Mailbox("hashed", password_hash=HASH),
        Mailbox("filed", password_file=FILE),
        Mailbox("a.b-c_9", name='"Söhne" & O\'Neil, 🎈 \\ %s', protocols=["imap", "sieve", "sogo"]),
    )
}
ALIASES: Final[Mapping[str, Alias]] = {
    alias.local_part: alias
    for alias in (
        Alias("postmaster", to=["anna"]),
        Alias("team", to=[" ben", "Anna ", "carol@bücher.de"]),
        Alias("noreply", discard=True),
        Alias("outside", to=[OUTSIDE, "anna"]),
        Alias("o'hara=x", to=["anna+news"]),
    )
}


def people(
    boxes: Mapping[str, Mailbox | None] = {},
    aliases: Mapping[str, Alias | None] = {},
    catch_all: tuple[str, ...] = ("ben",),
) -> Domain:
    """The domain with other mailboxes and aliases; None for one that is not described any more."""
    return Domain(
        HERE,
        mailboxes=[box for box in {**BOXES, **boxes}.values() if box is not None],
        aliases=[alias for alias in {**ALIASES, **aliases}.values() if alias is not None],
        catch_all=catch_all,
    )


def described(here: Domain, *, own: bool = True) -> Topology:
    """The description with it, and two domains that mirror it, one of them with an alias of its `own`."""
    mirror = Domain(MIRROR, alias_of=HERE, aliases=[Alias("sales", to=[f"shop@{HERE}"])])
    if not own:
        mirror = evolve(mirror, aliases=())
    return evolve(DESCRIPTION, domains=[*DESCRIPTION.domains, here, mirror, Domain("münchen.example", alias_of=HERE)])


def box(local_part: str, /, **changes: Any) -> dict[str, Mailbox]:
    """A mailbox with something else."""
    return {local_part: evolve(BOXES[local_part], **changes)}


EVERYTHING: Final = described(people())

LESS: Final[Mapping[str, Topology]] = {
    name: described(here)
    for name, here in {
        "where nobody's mail goes": people(catch_all=()),
        "aliases": people(
            box("shop", send_as=[f"@{MIRROR}"]), {"team": None, "noreply": None, "outside": None, "o'hara=x": None}
        ),
        "where aliases lead": people(
            aliases={"noreply": Alias("noreply", to=["anna"]), "team": Alias("team", discard=True)}
        ),
        "handing on": people(box("ben", forward_to=()) | box("gone", forward_to=(), keep_copy=True)),
        "whom mail is handed on to": people(
            box("ben", forward_to=[OUTSIDE], keep_copy=False) | box("gone", forward_to=["anna"], keep_copy=True)
        ),
        "senders": people(box("shop", send_as=()) | box("boss", send_as=())),
        "some senders": people(box("shop", send_as=["noreply"]) | box("boss", send_as=["anna", f"@{HERE}"])),
        "protocols": people(box("scanner", protocols=()) | box("a.b-c_9", protocols=["imap"])),
        "app passwords": people(
            box("scanner", app_passwords=()) | box("phone", app_passwords=[AppPassword("laptop", ["imap"])])
        ),
        "states": people(box("gone", state="active") | box("off", state="active") | box("anna", state="archived")),
        "names, quotas and limits": people(
            box("anna", name="Anna")
            | box("ben", quota="3 GiB", sends_per_hour=300)
            | box("boss", quota="2 GiB", sends_per_hour=7)
        ),
        "mailboxes": people({"filed": None, "a.b-c_9": None, "scanner": None}),
        "who leaves, with mail for a colleague": people({"carl": None}, {"carl": Alias("carl", to=["anna", OUTSIDE])}),
        "who leaves, with mail for nobody": people({"carl": None}, {"carl": Alias("carl", discard=True)}),
    }.items()
} | {"an alias of a mirror's own": described(people(box("shop", send_as=["noreply"])), own=False)}
"""What is taken away or said otherwise, and the description that is left."""
