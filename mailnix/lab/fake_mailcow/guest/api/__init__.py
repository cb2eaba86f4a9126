"""The fake Mailcow of Mailcow's REST API, from what its PHP sources do: only the standard library, run in a container.

Only the calls that a provisioner needs, with Mailcow's own refusals. Domains, mailboxes and aliases are in SQLite,
where Postfix and Dovecot look them up; DKIM keys are in Redis, where rspamd does.
"""
