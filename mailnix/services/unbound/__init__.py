"""unbound on a proxy: a resolver that validates, on loopback, for haraka-out and what DANE is worth to it."""
