#!/bin/sh
# Redis with the password of mailcow.conf.
umask 077
printf 'requirepass %s\ndir /data\nbind * -::*\nprotected-mode no\n' "$REDISPASS" >/run/redis.conf
exec redis-server /run/redis.conf
