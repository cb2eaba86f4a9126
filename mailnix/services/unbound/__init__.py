"""unbound on a proxy: a resolver that validates, on loopback, for haraka-out, and for the machine where wished."""
