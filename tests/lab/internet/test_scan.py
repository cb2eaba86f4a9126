"""What a scan is asked for, and how its report is read."""

from __future__ import annotations

from mailnix.lab.internet.guest import scan

REPORT = """<?xml version="1.0"?><nmaprun><host><ports><extraports state="filtered" count="65533"/>
<port protocol="tcp" portid="25"><state state="open"/></port>
<port protocol="tcp" portid="80"><state state="closed"/></port></ports></host></nmaprun>"""


def test_a_scan_report_is_read() -> None:
    ports = list(scan.ports_of(REPORT))
    assert [(port["port"], port["state"]) for port in ports] == [(25, "open"), (80, "closed")]
    assert scan.tried(REPORT) == 65_535


def test_a_scan_leaves_from_the_address_that_is_asked_for() -> None:
    args = scan.parser().parse_args(
        ["udp", "--source=2001:db8::1", "--target=2001:db8::2", "--interface=net0", "--ports=53"]
    )
    words = scan.nmap_argv(args)
    assert words[words.index("-S") + 1] == "2001:db8::1"
    assert {"-6", "-sU"} <= set(words)


def test_every_tcp_port_is_tried_unless_some_are_named() -> None:
    args = scan.parser().parse_args(["tcp", "--source=192.0.2.1", "--target=192.0.2.2", "--interface=net0"])
    words = scan.nmap_argv(args)
    assert words[words.index("-p") + 1] == "1-65535"
    assert "-sS" in words
    assert "-6" not in words
