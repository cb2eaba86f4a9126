"""read.py HOST USER PASSWORD: prints the first mail of the inbox, by IMAP over TLS; ends badly where there is none."""

from __future__ import annotations

import imaplib
import ssl
import sys

host, user, password = sys.argv[1:]
with imaplib.IMAP4_SSL(host, ssl_context=ssl._create_unverified_context(), timeout=60) as session:
    session.login(user, password)
    session.select("INBOX")
    (_, found) = session.fetch("1", "(RFC822)")
    if not isinstance(found[0], tuple):
        sys.exit("no mail")
    print(found[0][1].decode())
