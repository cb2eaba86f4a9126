"""Haraka twice on a proxy: haraka-in takes mail from the internet, haraka-out sends Mailcow's to it."""
