"""post.py HOST PORT SENDER RECIPIENT [USER PASSWORD]: sends a mail over STARTTLS, prints the certificate."""

from __future__ import annotations

import smtplib
import ssl
import subprocess
import sys

host, port, sender, recipient, *login = sys.argv[1:]
context = ssl._create_unverified_context()  # it is shown, and judged elsewhere
with smtplib.SMTP(host, int(port), timeout=60) as session:
    session.starttls(context=context)
    peer = session.sock.getpeercert(binary_form=True) if isinstance(session.sock, ssl.SSLSocket) else None
    text = ("openssl", "x509", "-inform", "DER", "-noout", "-subject", "-issuer", "-ext", "subjectAltName")
    print(subprocess.run(text, input=peer, capture_output=True, check=True).stdout.decode(), flush=True)
    if login:
        session.login(*login)
    session.sendmail(sender, [recipient], f"From: {sender}\r\nTo: {recipient}\r\nSubject: hello\r\n\r\nhello\r\n")
