"""What mailnix.firewall takes for a way to SSH, by the stand-in: no nixpkgs is needed."""

from __future__ import annotations

import pytest

from tests.nixos.conftest import Nix
from tests.nixos.test_options import HERE, OUR_MODULES

NOTHING = "allowedTCPPorts = [ ]; allowedTCPPortRanges = [ ]; allowedUDPPorts = [ ]; allowedUDPPortRanges = [ ];"
RANGE = "allowedTCPPortRanges = [ { from = 2200; to = 2222; } ];"


@pytest.mark.parametrize(
    "said",
    [
        "allowedTCPPorts = [ 2222 ];",
        RANGE,
        f"interfaces.wg1 = {{ {NOTHING.replace('allowedTCPPorts = [ ];', 'allowedTCPPorts = [ 2222 ];')} }};",
        f"interfaces.wg1 = {{ {NOTHING.replace('allowedTCPPortRanges = [ ];', RANGE)} }};",
        *(
            f"extraInputRules = ''{rules}'';"
            for rules in (
                "tcp dport 2222 accept",
                "ip saddr 192.0.2.0/24 tcp dport { 443,\n  2222, 8080 } ct state new counter accept",
                "tcp dport {2222} accept",
                "tcp dport 2200-2222 accept",
                "tcp dport { 80, 2200-2300 } accept",
                "tcp dport == 2222 limit rate 10/minute accept",
                "meta l4proto tcp th dport 2222 accept",
                "tcp dport 22222 drop\ntcp dport 2222 jump office",
                'tcp dport 2222 counter accept comment "# of the office"',
                "# SSH:\ntcp dport 2222 accept # for who is away",
            )
        ),
    ],
)
def test_ssh_on_another_port_is_reached_by_what_opens_that_port(nix: Nix, said: str) -> None:
    machine = f"""{{
      mailnix.firewall.enable = true;
      networking.firewall = {{ enable = false; {said} }};
      services.openssh = {{ enable = true; openFirewall = false; ports = [ 2222 ]; }};
    }}"""
    given = f"modules = [ {OUR_MODULES} nixos ]; inherit nixos;"
    assert nix.eval(f"let nixos = {machine}; in (import {HERE}/standin {{ {given} }}).failed") == []
