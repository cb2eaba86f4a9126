"""Every check, in the order they run: mail first, what breaks things last, and then whether all is well again."""

from __future__ import annotations

from typing import Final

from mailnix.lab.scenario import (
    addresses,
    bad_days,
    guessing,
    health,
    inbound,
    isolation,
    logins,
    outbound,
    people,
    receivers,
    relay,
    restore,
    several,
    smarthosts,
    smuggling,
    web,
)
from mailnix.lab.scenario.offers import (
    can_read,
    can_send,
    clients_send_over_ipv6,
    has_ipv6,
    has_services,
    has_several_proxies,
    has_submission,
    has_submissions,
    knows_strangers,
    leaves_directly,
    leaves_over_ipv6,
    sends_by_several,
)
from mailnix.lab.scenario.values import Check, Group
from mailnix.plan.types import Plan

_IN, _RELAY, _OUT, _WEB = Group.INBOUND, Group.RELAY, Group.OUTBOUND, Group.WEB
_ISOLATION, _BAD, _HEALTH = Group.ISOLATION, Group.BAD_DAYS, Group.HEALTH

CHECKS: Final[tuple[Check, ...]] = (
    Check("inbound-ipv4", _IN, "mail arrives over IPv4 and verified TLS", inbound.arrives_over_ipv4),
    Check("inbound-ipv6", _IN, "mail arrives over IPv6 and verified TLS", inbound.arrives_over_ipv6, has_ipv6),
    Check("read", _IN, "a mail program reads it, certificate verified", inbound.is_read_by_a_program, can_read),
    Check(
        "client-logins",
        _IN,
        "each service lets a mailbox's owner in",
        people.services_let_their_owners_in,
        has_services,
    ),
    Check("sender-ipv4", _IN, "Mailcow sees the sender's address and HELO", inbound.mailcow_sees_the_sender_over_ipv4),
    Check(
        "sender-ipv6",
        _IN,
        "Mailcow sees the sender's IPv6 address and HELO",
        inbound.mailcow_sees_the_sender_over_ipv6,
        has_ipv6,
    ),
    Check(
        "unknown-recipient",
        _IN,
        "an unknown recipient is refused alone",
        inbound.unknown_recipient_is_refused_alone,
        knows_strangers,
    ),
    Check(
        "catch-all", _IN, "a catch-all gets what nobody has", addresses.catch_all_takes_anything, addresses.catch_alls
    ),
    Check("discarded", _IN, "what is to be thrown away is", addresses.discarded_mail_is_nowhere, addresses.discarded),
    Check(
        "mirror", _IN, "a mirror has the other's addresses", addresses.mirror_has_the_same_addresses, addresses.mirrored
    ),
    Check(
        "archive",
        _IN,
        "an archive takes mail, an inactive mailbox refuses it",
        addresses.archive_takes_mail,
        addresses.without_login,
    ),
    Check("archive-closed", _IN, "neither lets anybody in", people.nobody_gets_in_to_an_archive, people.archives),
    Check("protocols", _IN, "a mailbox opens as described", people.protocols_are_as_described, people.limited),
    Check(
        "app-passwords",
        _IN,
        "an app password opens what it is for",
        people.app_passwords_open_what_they_should,
        people.programs,
    ),
    Check("relay-outside", _RELAY, "strangers may not relay", relay.outside_is_denied),
    Check("relay-xclient", _RELAY, "nor with a forged XCLIENT", relay.forged_xclient_is_denied),
    Check("relay-proxy-header", _RELAY, "nor with a forged PROXY header", relay.forged_proxy_header_is_denied),
    Check(
        "relay-disguised",
        _RELAY,
        "nor by how they write a recipient",
        smuggling.disguised_recipients_are_refused,
        knows_strangers,
    ),
    Check("smuggling", _RELAY, "no mail hides in another", smuggling.smuggled_mail_is_not_taken),
    Check("relay-tunnel", _RELAY, "nor from the tunnel", relay.tunnel_is_denied),
    Check(
        "submit-587",
        _OUT,
        "submitted on 587, client's address kept",
        outbound.submission_keeps_the_client,
        has_submission,
    ),
    Check(
        "submit-465",
        _OUT,
        "submitted on 465, client's address kept",
        outbound.submissions_keeps_the_client,
        has_submissions,
    ),
    Check(
        "submit-ipv6",
        _OUT,
        "submitted over IPv6, client's address kept",
        outbound.submission_keeps_the_client_over_ipv6,
        clients_send_over_ipv6,
    ),
    Check(
        "submit-each-proxy",
        _OUT,
        "submitted by each proxy, client's address kept",
        several.each_keeps_the_client,
        sends_by_several,
    ),
    Check(
        "leaves-from-proxy",
        _OUT,
        "it leaves from the proxy, by the proxy's name",
        outbound.leaves_from_the_proxy,
        leaves_directly,
    ),
    Check(
        "leaves-ipv6",
        _OUT,
        "over IPv6 it leaves from the described address",
        receivers.get_mail_over_ipv6,
        leaves_over_ipv6,
    ),
    Check("filters", _OUT, "SPF, DKIM and DMARC pass outside", outbound.filters_pass, can_send),
    Check("headers", _OUT, "no header shows anything of home", outbound.headers_hide_home, can_send),
    Check("bounce", _OUT, "a bounce reaches the sender", outbound.bounce_reaches_the_sender, can_send),
    Check(
        "relays", _OUT, "mail leaves by the relay that it should", smarthosts.carry_what_they_should, smarthosts.relays
    ),
    Check(
        "policies-kept",
        _OUT,
        "DANE and MTA-STS that hold: mail arrives",
        receivers.get_mail_where_policies_hold,
        leaves_directly,
    ),
    Check(
        "forwarded",
        _OUT,
        "an alias leads elsewhere",
        addresses.forwarded_mail_is_outside,
        addresses.forwarded,
    ),
    Check(
        "handed-on",
        _OUT,
        "a mailbox hands mail on, and keeps it or not",
        addresses.handed_on_mail_is_where_it_should,
        addresses.handing_on,
    ),
    Check("send-as", _OUT, "who may write as another does, alone", people.senders_are_as_described, people.writers),
    Check("web", _WEB, "the web has a certificate", web.is_served_with_a_certificate),
    Check("web-closed", _WEB, "administration is closed to the internet", web.administration_is_closed),
    Check("web-settings", _WEB, "mail programs and senders find settings", web.settings_are_served),
    Check(
        "own-certificate", _WEB, "Mailcow got its own certificate", web.mailcow_has_its_own_certificate, has_services
    ),
    Check("own-key", _WEB, "its key is on no proxy", web.mailbox_key_is_not_on_a_proxy),
    Check(
        "home-clients",
        _WEB,
        "programs at home come to Mailcow directly",
        people.programs_at_home_come_directly,
        people.home_clients,
    ),
    Check("open-ports", _ISOLATION, "proxies open exactly the planned ports", isolation.proxies_open_what_is_planned),
    Check("udp-ports", _ISOLATION, "no other UDP service answers", isolation.proxies_answer_no_other_udp),
    Check("home-ports", _ISOLATION, "home opens nothing, even to its own network", isolation.home_opens_nothing),
    Check("home-ssh", _ISOLATION, "SSH at home is silent to containers", logins.nobody_else_reaches_ssh_at_home),
    Check(
        "jump-host",
        _ISOLATION,
        "an admin comes home by way of the proxy",
        logins.admin_comes_home_by_way_of_a_proxy,
        logins.has_jump_host,
    ),
    Check("guesses", _ISOLATION, "20 wrong passwords show who guesses", guessing.shows_the_guesser, has_services),
    Check(
        "next-mx",
        _BAD,
        "first proxy cut off: mail comes in by the next",
        several.mail_comes_in_by_the_next,
        has_several_proxies,
    ),
    Check(
        "next-relay",
        _BAD,
        "first proxy cut off: mail leaves by the next",
        several.mail_leaves_by_the_next,
        sends_by_several,
    ),
    Check(
        "policies-broken",
        _BAD,
        "wrong TLSA, wrong policy: mail waits",
        receivers.get_nothing_where_policies_fail,
        leaves_directly,
    ),
    Check("outage", _BAD, "home without power: delayed, delivered once", bad_days.outage_at_home_only_delays),
    Check(
        "crash",
        _BAD,
        "proxy killed with queued mail: delivered once",
        bad_days.crashes_of_a_proxy_lose_nothing,
        can_send,
    ),
    Check("restore", _BAD, "mail and accounts lost: a backup brings them back", restore.brings_back_what_was_backed_up),
    Check("clocks", _HEALTH, "clocks are synchronised", health.clocks_are_synchronised),
    Check("units", _HEALTH, "no unit has failed", health.no_unit_has_failed),
    Check("secrets", _HEALTH, "no secret of home is on a proxy", health.home_secrets_stay_home),
)


def checks_for(plan: Plan) -> tuple[Check, ...]:
    """The checks that make sense for a plan."""
    return tuple(check for check in CHECKS if check.applies(plan))


def exchanging(plan: Plan) -> tuple[Check, ...]:
    """Those of them that exchange mail: what a lab shows first."""
    return tuple(check for check in checks_for(plan) if check.group.is_mail)
