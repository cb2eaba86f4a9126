"""Caddy: the web, automatic settings for mail programs, MTA-STS policies, and ACME challenges of Mailcow passed through."""
