#!/usr/bin/env bash
# The words, the folder and the archives of Mailcow's script of this name, packed without a container for each volume.
# Like that one, it ends well whatever happened. Restoring is left to mailcow-restore.

if [[ ${1} != "backup" ]]; then
  echo "First parameter needs to be 'backup'"
  exit 1
fi
if [[ ! ${MAILCOW_BACKUP_LOCATION} =~ ^/ || ! -d ${MAILCOW_BACKUP_LOCATION} ]]; then
  echo "MAILCOW_BACKUP_LOCATION needs to be a directory, given as absolute path."
  exit 1
fi
if [[ ! $(stat -Lc %a "${MAILCOW_BACKUP_LOCATION}") =~ [0-9][0-9][5-7]$ ]]; then
  echo "${MAILCOW_BACKUP_LOCATION} is not write-able for others, that's required for a backup."
  exit 1
fi
shift

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
source ./mailcow.conf
target=${MAILCOW_BACKUP_LOCATION%/}/mailcow-$(date +%Y-%m-%d-%H-%M-%S)
mkdir -p "${target}"
chmod 755 "${target}"
cp mailcow.conf "${target}"
touch "${target}/.$(uname -m)"

volumes=/var/lib/docker/volumes/${COMPOSE_PROJECT_NAME}
work=$(mktemp -d)
trap 'rm -rf "${work}"' EXIT

pack() { # a folder, and what it is called in its archive
  tar --create --use-compress-program=zstd --numeric-owner --absolute-names --warning=no-file-ignored \
    --transform="s,^${1},/${2},S" --file "${target}/backup_${3:-$2}.tar.zst" "${1}"
}

pack_database() { # as mariabackup would: a copy at rest
  mkdir "${work}/database"
  chmod --reference="${volumes}_mysql-vol-1/_data" "${work}/database"
  python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))' \
    "${volumes}_mysql-vol-1/_data/mailcow.sqlite" "${work}/database/mailcow.sqlite"
  pack "${work}/database" backup_mariadb mariadb
}

for what in "${@,,}"; do
  case ${what} in
  vmail | all) pack "${volumes}_vmail-vol-1/_data" vmail ;;&
  redis | all)
    docker exec "$(docker ps -qf name=redis-mailcow)" redis-cli -a "${REDISPASS}" --no-auth-warning save
    pack "${volumes}_redis-vol-1/_data" redis
    ;;&
  rspamd | all) pack "${volumes}_rspamd-vol-1/_data" rspamd ;;&
  postfix | all) pack "${volumes}_postfix-vol-1/_data" postfix ;;&
  mysql | all) pack_database ;;&
  esac
done
exit 0
