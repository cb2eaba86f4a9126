# Run by sh on a machine with Mailcow, which it changes nothing of: prints what a description could say, a line each.
#   conf NAME=VALUE     of mailcow.conf, as far as they are asked for
#   sql {"table": …, "row": {…}}
#   redis NAME ["field", "value", …]
# $1 is Mailcow's folder. No password of the database or of Redis leaves it, nor stands in the arguments of a program.
set -eu
fail() { echo "mailnix: $1" >&2; exit 3; }
cd "$1" 2>/dev/null || fail "there is no folder $1"
[ -f mailcow.conf ] && [ -f docker-compose.yml ] || fail "$1 holds no Mailcow (mailcow.conf and docker-compose.yml)"
[ -r mailcow.conf ] || fail "mailcow.conf may not be read: log in as root"
grep -E '^(@SETTINGS@)=' mailcow.conf | sed 's/^/conf /' || true
project=$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' mailcow.conf | tail -n 1 | tr -d "\"' ")
container() {
  id=$(docker ps -q -f "label=com.docker.compose.project=${project:-mailcowdockerized}" \
    -f "label=com.docker.compose.service=$1") || fail "docker cannot be asked: log in as root"
  [ -n "$id" ] || fail "$1 does not run: start Mailcow"
  echo "$id" | head -n 1
}
mysql=$(container mysql-mailcow)
redis=$(container redis-mailcow)
docker exec -i "$mysql" sh -c 'MYSQL_PWD=$MYSQL_PASSWORD exec mariadb -u "$MYSQL_USER" --default-character-set=utf8mb4 \
  --batch --raw --skip-column-names "$MYSQL_DATABASE"' <<'SQL'
@SQL@
SQL
for name in @HASHES@; do
  printf 'redis %s ' "$name"
  docker exec -e "NAME=$name" "$redis" sh -c 'export REDISCLI_AUTH="${REDISPASS:-}"
    [ -n "$REDISCLI_AUTH" ] || unset REDISCLI_AUTH
    exec redis-cli EVAL "return cjson.encode(redis.call(\"HGETALL\", KEYS[1]))" 1 "$NAME"'
done
echo "done"
