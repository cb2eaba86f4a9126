"""Whether mail for an address of ours gets to somebody: aliases, forwards, mirrors and catch-alls are followed.

Nothing here raises for a user's mistake: `mailnix check` asks before all is known to be sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from mailnix.model.mail import Alias, Mailbox, State, address_of, without_tag
from mailnix.model.mirrors import CATCH_ALL
from mailnix.model.topology import Domain

T = TypeVar("T")
Find = Callable[[str], Domain | None]
"""The domain of ours that has a name."""
_Leads = Mapping[str, tuple[str, ...] | None]
"""Where local parts lead: to whole addresses, or to nobody further (None), since the mail stays in a mailbox."""


def arrives(address: str, find: Find) -> bool:
    """Whether somebody gets mail for a whole address; one elsewhere counts as somebody.

    What is thrown away, refused by an inactive mailbox, or only goes in circles, arrives nowhere.
    """
    seen: set[str] = set()
    ahead, known = [without_tag(address)], dict[str, _Leads | None]()
    while ahead:
        address = ahead.pop()
        if address in seen:
            continue
        seen.add(address)
        local_part, _, name = address.rpartition("@")
        if name not in known:
            known[name] = _leads(find(name), find)
        leads = known[name]
        if leads is None:
            return True
        onward = leads.get(local_part, leads.get(CATCH_ALL, ()))
        if onward is None:
            return True
        ahead += map(without_tag, onward)
    return False


def _leads(domain: Domain | None, find: Find) -> _Leads | None:
    """Where the addresses of a domain lead; what it says itself goes before what it mirrors. None where it is not ours.

    An inactive mailbox is not among them: Mailcow switches its address off too, so a catch-all takes its mail.
    """
    if domain is None:
        return None
    leads: dict[str, tuple[str, ...] | None] = {}
    mirrored = find(domain.alias_of) if isinstance(domain.alias_of, str) else None
    for source in filter(None, (mirrored, domain)):
        if source.catch_all:
            leads[CATCH_ALL] = _addresses(source.catch_all, source)
        for alias in _all(source.aliases, Alias):
            leads[str(alias.local_part)] = () if alias.discard else _addresses(alias.to, source)
        for mailbox in _all(source.mailboxes, Mailbox):
            if mailbox.state is not State.INACTIVE:
                stays = mailbox.keep_copy or not mailbox.forward_to
                leads[str(mailbox.local_part)] = None if stays else _addresses(mailbox.forward_to, source)
    return leads


def _addresses(texts: object, domain: Domain) -> tuple[str, ...]:
    return tuple(address_of(text, domain.name) for text in _all(texts, str))


def _all(items: Any, kind: type[T]) -> Iterator[T]:
    """Those items of a tuple that are of a kind."""
    return (item for item in items if isinstance(item, kind)) if isinstance(items, tuple) else iter(())
