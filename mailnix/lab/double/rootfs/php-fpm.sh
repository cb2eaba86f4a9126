#!/bin/sh
# The API.
cd /double || exit 1
export PYTHONDONTWRITEBYTECODE=1
exec python3 -m api
