"""The firewall: one nftables table of our own on each machine."""
