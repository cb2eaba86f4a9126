"""WireGuard by systemd-networkd: the proxy listens, the machine at home dials out."""
