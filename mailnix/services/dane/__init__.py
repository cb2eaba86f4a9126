"""DANE: a key of a proxy's own for incoming mail, which TLSA records name, and a certificate for it (RFC 7672).

Caddy makes a new key with each certificate. Here the key is a credential, and an ACME client that takes a certificate
signing request (dehydrated) gets the certificates: whatever it gets is for that key.
"""
