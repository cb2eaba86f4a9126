#!/bin/bash
# MariaDB with Mailcow's my.cnf; database and users are made as the image's entrypoint does.
set -euo pipefail
. "$(dirname -- "$0")/env.sh"
files=$(volume mysql-vol-1)
chown -R mysql:mysql "$files" # of what is restored, too: in the image it is 999
install -d -o mysql -g mysql /run/mysqld
[ -d "$files/mysql" ] || mariadb-install-db --user=mysql --datadir="$files" --skip-test-db
install -m 600 -o mysql /dev/null /run/mysqld/users.sql
cat >/run/mysqld/users.sql <<SQL
CREATE DATABASE IF NOT EXISTS $DBNAME;
CREATE USER IF NOT EXISTS '$DBUSER'@'%' IDENTIFIED BY '$DBPASS';
GRANT ALL ON $DBNAME.* TO '$DBUSER'@'%';
CREATE USER IF NOT EXISTS 'root'@'%' IDENTIFIED BY '$DBROOT';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
SQL
exec mariadbd --defaults-file="$DATA/conf/mysql/my.cnf" --user=mysql --datadir="$files" \
    --socket=/run/mysqld/mysqld.sock --pid-file=/run/mysqld/mysqld.pid --bind-address="$IPV4_NETWORK.10" \
    --init-file=/run/mysqld/users.sql
