"""Tunnel addresses and names are stable by a machine's name."""

from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from mailnix.plan.addresses import INTERFACE_MAX, INTERNAL_OFFSET, interface, offsets

NETWORK = IPv4Network("10.0.0.0/24")
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,30}[a-z0-9]", fullmatch=True)


def test_the_proxy_of_every_example_gets_the_first_address() -> None:
    assert offsets(["proxy"], NETWORK) == {"proxy": 1}


@given(st.lists(NAMES, min_size=1, max_size=20, unique=True), st.randoms())
def test_an_address_follows_from_names_and_not_from_their_order(names: list[str], chance: object) -> None:
    shuffled = list(names)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert offsets(shuffled, NETWORK) == offsets(names, NETWORK)


@given(st.lists(NAMES, min_size=1, max_size=252, unique=True))
def test_no_two_machines_share_an_address(names: list[str]) -> None:
    given_out = offsets(names, NETWORK)
    assert set(given_out) == set(names)
    assert len(set(given_out.values())) == len(names)
    assert INTERNAL_OFFSET not in given_out.values()
    assert all(0 < number < 255 for number in given_out.values())


def test_a_small_subnet_holds_as_many_as_it_can() -> None:
    assert offsets(["a"], IPv4Network("10.0.0.0/30")) == {"a": 1}
    assert sorted(offsets(["a", "b", "c", "d", "e"], IPv4Network("10.0.0.0/29")).values()) == [1, 3, 4, 5, 6]


@given(NAMES)
def test_an_interface_name_fits_the_kernel(name: str) -> None:
    assert len(interface(name)) <= INTERFACE_MAX
    assert interface(name).startswith("wg-")


def test_long_names_with_one_beginning_get_interfaces_of_their_own() -> None:
    assert interface("frankfurt-proxy-1") != interface("frankfurt-proxy-2")
