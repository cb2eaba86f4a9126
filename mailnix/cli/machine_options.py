"""What the first description of machines needs to know: options of the verbs that write one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

FILE: Final = "mail.py"
KEY_HELP: Final = "An SSH public key that may log in; may be repeated [default: one of ~/.ssh]."
LAN_HELP: Final = "The home network, such as 192.168.1.0/24 [default: any private one]."
_OPTIONS: Final = (
    click.option("--proxy-ipv4", help="The proxy's static public IPv4 address."),
    click.option("--proxy-ipv6", help="Its IPv6 address, where it has one."),
    click.option("--admin-key", "keys", multiple=True, metavar="KEY|FILE", help=KEY_HELP),
    click.option("--reach", help="How you log in to the machine at home: home, proxy or both [default: home]."),
    click.option("--lan", metavar="NETWORK", help=LAN_HELP),
    click.option("--sealed", is_flag=True, help="Nobody shall log in to any machine, not even you."),
    click.option("--force", is_flag=True, help=f"Replace an existing {FILE}."),
)


def machines(function: F) -> F:
    """Give a verb these options: `proxy_ipv4`, `proxy_ipv6`, `keys`, `reach`, `lan`, `sealed`, `force`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
