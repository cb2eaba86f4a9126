"""Caddy: the web, settings for mail programs, MTA-STS policies, and Mailcow's ACME challenges passed through."""
