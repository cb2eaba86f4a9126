#!/bin/sh
# The certificate for mail programs.
export PYTHONDONTWRITEBYTECODE=1
cd /double || exit 1
exec python3 -m api.certificates
