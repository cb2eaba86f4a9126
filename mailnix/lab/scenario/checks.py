"""Every check, in the order they run: mail first, what breaks things last, and then whether all is well again."""

from __future__ import annotations

from typing import Final

from mailnix.lab.scenario import (
    bad_days,
    guessing,
    health,
    inbound,
    isolation,
    logins,
    outbound,
    receivers,
    relay,
    restore,
    several,
    smuggling,
    web,
)
from mailnix.lab.scenario.values import Check, Group
from mailnix.plan.types import Plan


def has_ipv6(plan: Plan) -> bool:
    """Whether mail comes in over IPv6."""
    return any(proxy.ipv6 is not None for proxy in plan.proxies)


def clients_have_ipv6(plan: Plan) -> bool:
    """Whether mail programs can connect over IPv6."""
    return any(forward.to6 is not None for proxy in plan.proxies for forward in proxy.forwards)


def mail_leaves_over_ipv6(plan: Plan) -> bool:
    """Whether the proxy that mail leaves by has an IPv6 address."""
    return plan.proxies[0].ipv6 is not None


_IN, _RELAY, _OUT, _WEB = Group.INBOUND, Group.RELAY, Group.OUTBOUND, Group.WEB
_ISOLATION, _BAD, _HEALTH = Group.ISOLATION, Group.BAD_DAYS, Group.HEALTH

CHECKS: Final[tuple[Check, ...]] = (
    Check("inbound-ipv4", _IN, "mail arrives over IPv4 and verified TLS", inbound.arrives_over_ipv4),
    Check("inbound-ipv6", _IN, "mail arrives over IPv6 and verified TLS", inbound.arrives_over_ipv6, has_ipv6),
    Check("imaps", _IN, "it is read over IMAPS, certificate verified", inbound.is_read_over_imaps),
    Check("sender-ipv4", _IN, "Mailcow sees the sender's address and HELO", inbound.mailcow_sees_the_sender_over_ipv4),
    Check(
        "sender-ipv6",
        _IN,
        "Mailcow sees the sender's IPv6 address and HELO",
        inbound.mailcow_sees_the_sender_over_ipv6,
        has_ipv6,
    ),
    Check(
        "unknown-recipient", _IN, "an unknown recipient is refused alone", inbound.unknown_recipient_is_refused_alone
    ),
    Check("relay-outside", _RELAY, "strangers may not relay", relay.outside_is_denied),
    Check("relay-xclient", _RELAY, "nor with a forged XCLIENT", relay.forged_xclient_is_denied),
    Check("relay-proxy-header", _RELAY, "nor with a forged PROXY header", relay.forged_proxy_header_is_denied),
    Check("relay-disguised", _RELAY, "nor by how they write a recipient", smuggling.disguised_recipients_are_refused),
    Check("smuggling", _RELAY, "no mail hides in another", smuggling.smuggled_mail_is_not_taken),
    Check("relay-tunnel", _RELAY, "nor from the tunnel", relay.tunnel_is_denied),
    Check("submit-587", _OUT, "submitted on 587, client's address kept", outbound.submission_keeps_the_client),
    Check("submit-465", _OUT, "submitted on 465, client's address kept", outbound.submissions_keeps_the_client),
    Check(
        "submit-ipv6",
        _OUT,
        "submitted over IPv6, client's address kept",
        outbound.submission_keeps_the_client_over_ipv6,
        clients_have_ipv6,
    ),
    Check(
        "submit-each-proxy",
        _OUT,
        "submitted by each proxy, client's address kept",
        several.each_keeps_the_client,
        several.has_several_proxies,
    ),
    Check("leaves-from-proxy", _OUT, "it leaves from the proxy, by the proxy's name", outbound.leaves_from_the_proxy),
    Check(
        "leaves-ipv6",
        _OUT,
        "over IPv6 it leaves from the described address",
        receivers.get_mail_over_ipv6,
        mail_leaves_over_ipv6,
    ),
    Check("filters", _OUT, "SPF, DKIM and DMARC pass outside", outbound.filters_pass),
    Check("headers", _OUT, "no header shows anything of home", outbound.headers_hide_home),
    Check("bounce", _OUT, "a bounce reaches the sender", outbound.bounce_reaches_the_sender),
    Check("policies-kept", _OUT, "DANE and MTA-STS that hold: mail arrives", receivers.get_mail_where_policies_hold),
    Check("web", _WEB, "the web has a certificate", web.is_served_with_a_certificate),
    Check("web-closed", _WEB, "administration is closed to the internet", web.administration_is_closed),
    Check("web-settings", _WEB, "mail programs and senders find settings", web.settings_are_served),
    Check("certificate-993", _WEB, "Mailcow got its own certificate", web.mailcow_has_its_own_certificate),
    Check("key-993", _WEB, "its key is on no proxy", web.mailbox_key_is_not_on_a_proxy),
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
    Check("guesses", _ISOLATION, "20 wrong passwords show who guesses", guessing.shows_the_guesser),
    Check(
        "next-mx",
        _BAD,
        "first proxy cut off: mail comes in by the next",
        several.mail_comes_in_by_the_next,
        several.has_several_proxies,
    ),
    Check(
        "next-relay",
        _BAD,
        "first proxy cut off: mail leaves by the next",
        several.mail_leaves_by_the_next,
        several.has_several_proxies,
    ),
    Check("policies-broken", _BAD, "wrong TLSA, wrong policy: mail waits", receivers.get_nothing_where_policies_fail),
    Check("outage", _BAD, "home without power: delayed, delivered once", bad_days.outage_at_home_only_delays),
    Check("crash", _BAD, "proxy killed with queued mail: delivered once", bad_days.crashes_of_a_proxy_lose_nothing),
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
