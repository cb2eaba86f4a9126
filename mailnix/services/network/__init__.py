"""The network card, name resolution and kernel settings, by systemd-networkd and systemd-resolved."""
