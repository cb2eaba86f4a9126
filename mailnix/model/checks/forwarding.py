"""Where mail goes: the targets of aliases, catch-alls and forwarding mailboxes, all followed to their ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import field, frozen

from mailnix.model.checks.found import Found, domains_by_name, each, machine_names
from mailnix.model.mail import Alias, Mailbox, State, address_of, without_tag
from mailnix.model.names import bare_address, domain_problem, length_problem, local_part_problem
from mailnix.model.topology import Domain, Topology

MAX_REDIRECTS: Final = 100
"""How many redirects Mailcow's Dovecot runs for one mail (`sieve_max_redirects`)."""
SINK: Final = "localhost"
"""The domain of Mailcow's own words for throwing away and learning: null@localhost, spam@localhost, ham@localhost."""
_LOCAL: Final = "localhost.localdomain"  # Mailcow's Postfix takes it for itself, too (mydestination)


@frozen
class _Walk:
    """What is known of all addresses: who has them, which domains take any, where each leads, and where that stands."""

    domains: Mapping[str, Domain]
    taken: Mapping[str, str]
    found: Found
    catching: set[str]
    hosts: set[str]
    inactive: set[str]
    nets: Mapping[str, str]  # by a domain with mailboxes, the one whose catch-all takes for them, itself or a mirror
    leads: dict[str, list[str]] = field(factory=dict)
    places: dict[str, str] = field(factory=dict)

    def _is_nobody(self, name: str, source: str) -> bool:
        """Whether mail for an address that nobody has goes nowhere: a catch-all takes it, but not for itself."""
        return name in self.domains and (name not in self.catching or source == f"@{name}")

    def follow(self, address: str, texts: Any, domain: Domain, path: str, *, redirect: bool = False) -> None:
        """Check targets; remember where they lead. A redirect is sent anew, so SPF holds."""
        self.leads[address] = [*self._resolved(address, texts, domain, path, redirect=redirect)]
        self.places[address] = path

    def _resolved(self, source: str, texts: Any, domain: Domain, path: str, *, redirect: bool) -> Iterator[str]:
        """The addresses that targets lead to, as far as they are good."""
        seen: set[str] = set()
        for at, text in each(texts, str, path):
            whole = address_of(text, domain.name)
            address = without_tag(whole)  # a sub-address is its mailbox's
            name = address.rpartition("@")[2]
            mistake = self._mistake(source, text, whole, domain)
            if mistake is not None:
                self.found.error(at, *mistake)
            elif address in seen:
                self.found.warning(at, f"{address} is named twice")
            else:
                seen.add(address)
                if name not in self.domains and not redirect:
                    _outside(address, at, self.found)
                yield f"@{name}" if name in self.catching and address not in self.taken else address

    def _mistake(self, source: str, text: str, whole: str, domain: Domain) -> tuple[str, str] | None:
        """What is wrong with a target, and what to do."""
        address = without_tag(whole)
        local_part, _, name = address.rpartition("@")
        # The tag goes into a sieve script as it is; that a + starts one is no mistake here.
        tagged = whole.rpartition("@")[0].replace("+", "-")
        if name == SINK:
            return f"{text.strip()!r} is no address", "to throw mail away: Alias(…, discard=True)"
        if bare := bare_address(text):
            return f"{text.strip()!r} is more than an address", f"write only {bare}"
        if problem := _problem(local_part, name, domain) or local_part_problem(tagged) or length_problem(whole):
            return problem, ""
        if name in self.hosts or name == _LOCAL:
            likely = (f"{local_part}@{name.partition('.')[2]}", f"{local_part}@{domain.name}")
            meant = next((known for known in likely if known in self.taken), None)
            hint = f"did you mean {meant}?" if meant else "name a mailbox or alias of one of the domains"
            return f"{name} is a machine's name, and takes no mail", hint
        if address not in self.taken and self._is_nobody(name, source):
            return f"there is no {address}", "name a mailbox or alias of yours, or an address elsewhere"
        if address in self.inactive:
            hint = f'name another, or let {address} be state="archived", which takes mail and lets nobody in'
            return f"{address} is an inactive mailbox, which takes no mail", hint
        return None


def check(topology: Topology, taken: Mapping[str, str], found: Found) -> None:
    """Every target must exist, and following targets must never lead back."""
    domains = [*each(topology.domains, Domain, "domains")]
    by_name = domains_by_name(topology)
    catching = {name for name in by_name if _catches(by_name[name], by_name)}
    hosts = machine_names(topology)
    nets = {str(by_name[name].alias_of or name): name for name in catching}
    walk = _Walk(by_name, taken, found, catching, hosts, _inactive(by_name), nets)
    for path, domain in domains:
        if domain.catch_all:
            walk.follow(f"@{domain.name}", domain.catch_all, domain, f"{path}.catch_all")
        for at, alias in each(domain.aliases, Alias, f"{path}.aliases"):
            _alias(alias, domain, at, walk)
        for at, mailbox in each(domain.mailboxes, Mailbox, f"{path}.mailboxes"):
            _mailbox(mailbox, domain, at, walk)
    for path, domain in domains:
        _mirrored(domain, path, walk)
    _loops(walk.leads, walk.places, found)


def _catches(domain: Domain, domains: Mapping[str, Domain]) -> bool:
    """Whether a domain takes mail for any address, by its own catch-all or that of the one it mirrors."""
    mirrored = domains.get(domain.alias_of) if isinstance(domain.alias_of, str) else None
    return bool(domain.catch_all or (mirrored is not None and mirrored.catch_all))


def _inactive(domains: Mapping[str, Domain]) -> set[str]:
    """Addresses of inactive mailboxes, those in domains that mirror theirs among them."""
    found: set[str] = set()
    for name, domain in domains.items():
        mirrored = domains.get(domain.alias_of) if isinstance(domain.alias_of, str) else None
        for source in filter(None, (domain, mirrored)):
            boxes = (box for _, box in each(source.mailboxes, Mailbox, "") if box.state is State.INACTIVE)
            found |= {f"{box.local_part}@{name}" for box in boxes}
    return found


def _problem(local_part: str, name: str, domain: Domain) -> str | None:
    problem = local_part_problem(local_part)
    return domain_problem(name) if problem is None and name != domain.name else problem


def _outside(address: str, at: str, found: Found) -> None:
    """RFC 7208 10.3 and RFC 7489 5: an alias keeps the sender, for whom these machines may not send."""
    message = f"the sender's SPF fails at {address.rpartition('@')[2]}, for an alias hands mail on under their name"
    found.warning(at, message, f'better: Mailbox("…", forward_to=["{address}"]), which sends it anew')


def _alias(alias: Alias, domain: Domain, at: str, walk: _Walk) -> None:
    if alias.discard and alias.to:
        walk.found.error(f"{at}.to", "is for nobody: discard throws the mail away", "leave out one of the two")
    elif alias.to == () and not alias.discard:
        walk.found.error(f"{at}.to", "leads nowhere", "name at least one mailbox or address, or write discard=True")
    if walk.taken.get(f"{alias.local_part}@{domain.name}") == at:
        walk.follow(f"{alias.local_part}@{domain.name}", alias.to, domain, f"{at}.to")


def _mailbox(mailbox: Mailbox, domain: Domain, at: str, walk: _Walk) -> None:
    found, targets = walk.found, mailbox.forward_to
    if mailbox.state is State.INACTIVE:
        _caught(mailbox, domain, at, walk)
    if targets == ():
        if mailbox.keep_copy is False:
            found.error(f"{at}.keep_copy", "without a copy and without forward_to mail would be lost", "add forward_to")
        return
    if isinstance(targets, tuple) and len(targets) > MAX_REDIRECTS:
        hint = "hand it on to an alias that leads to them"
        found.error(f"{at}.forward_to", f"Dovecot hands a mail on to {MAX_REDIRECTS} addresses at most", hint)
    if mailbox.state is State.INACTIVE:
        hint = 'state="archived" takes mail and lets nobody in'
        found.error(f"{at}.state", "an inactive mailbox takes no mail, so none is handed on", hint)
    walk.follow(f"{mailbox.local_part}@{domain.name}", targets, domain, f"{at}.forward_to", redirect=True)


def _caught(mailbox: Mailbox, domain: Domain, at: str, walk: _Walk) -> None:
    """Mailcow switches an inactive mailbox's own alias off with it, so Postfix looks further, for "@domain"."""
    name = walk.nets.get(str(domain.name))
    if name is not None:
        message = f"mail for {mailbox.local_part}@{name} goes to the catch-all, whose readers may write as it, too"
        walk.found.warning(f"{at}.state", message, 'state="archived" keeps its mail apart, and lets nobody in')


def _mirrored(domain: Domain, path: str, walk: _Walk) -> None:
    """Addresses of a mirror lead where those of the domain that it mirrors do."""
    target = walk.domains.get(domain.alias_of) if isinstance(domain.alias_of, str) else None
    if target is None:
        return
    had = [alias.local_part for _, alias in each(target.aliases, Alias, "")]
    had += [mailbox.local_part for _, mailbox in each(target.mailboxes, Mailbox, "")]
    for local_part in ("", *had):
        address = f"{local_part}@{target.name}"
        if address in walk.leads:
            mirror = f"{local_part}@{domain.name}"
            walk.leads.setdefault(mirror, walk.leads[address])
            walk.places.setdefault(mirror, f"{path}.alias_of")


def _loops(leads: Mapping[str, list[str]], places: Mapping[str, str], found: Found) -> None:
    """Report each loop once. Walks without recursion: a chain of aliases may be long."""
    done: set[str] = set()
    for start in leads:
        trail: list[str] = []
        on_trail: set[str] = set()
        walk: list[Iterator[str]] = [iter((start,))]
        while walk:
            address = next(walk[-1], None)
            if address is None:
                walk.pop()
                if trail:
                    on_trail.discard(trail[-1])
                    done.add(trail.pop())
            elif address in on_trail:
                loop = [*trail[trail.index(address) :], address]
                found.error(places[address], f"leads back to itself: {' → '.join(loop)}", "end it at a mailbox")
            elif address in leads and address not in done:
                trail.append(address)
                on_trail.add(address)
                walk.append(iter(leads[address]))
