"""What the domains elsewhere publish, and that it is right or wrong where it should be."""

from __future__ import annotations

from cryptography import x509

from mailnix.lab.internet.acme import caddyfile
from mailnix.lab.internet.authority import key_digest, leaf_names, new_authority
from mailnix.lab.internet.layout import Layout
from mailnix.lab.internet.mail import main_cf
from mailnix.lab.internet.receivers import dane, ipv6_only, mta_sts, policy, receivers, zone_lines


def test_tlsa_records_mean_the_mail_servers_key_or_another_one(layout: Layout) -> None:
    made = new_authority(layout).internet_files
    right, wrong = dane(layout)
    digests = {name: key_digest(x509.load_pem_x509_certificate(made[f"{name}.pem"])) for name in leaf_names(layout)}
    assert made["tlsa.zone"].decode().splitlines() == [
        f"_25._tcp.{right.mx}. 300 IN TLSA 3 1 1 {digests['mx']}",
        f"_25._tcp.{wrong.mx}. 300 IN TLSA 3 1 1 {digests['acme']}",
    ]


def test_a_policy_names_the_mail_server_or_another_one(layout: Layout) -> None:
    right, wrong = mta_sts(layout)
    assert f"mx: {right.mx}\n" in policy(right)
    assert f"mx: {wrong.mx}\n" not in policy(wrong)
    assert all(policy(receiver) in caddyfile(layout) for receiver in (right, wrong))
    assert all("mode: enforce\n" in policy(receiver) for receiver in (right, wrong))


def test_nothing_but_what_it_publishes_tells_a_wrong_domain_from_a_right_one(layout: Layout) -> None:
    names = leaf_names(layout)
    domains = next(line for line in main_cf(layout).splitlines() if line.startswith("virtual_mailbox_domains"))
    for receiver in receivers(layout):
        assert receiver.mx in names["mx"]
        assert receiver.name in domains.split()
        assert f"carol@{receiver.name} = " in main_cf(layout)
    assert {receiver.policy_host for receiver in mta_sts(layout)} < set(names["acme"])


def test_a_domain_can_be_reached_over_ipv6_alone(layout: Layout) -> None:
    kinds = [line.split()[2] for line in zone_lines(layout) if line.startswith(f"{ipv6_only(layout).mx}. ")]
    assert kinds == ["AAAA"]
