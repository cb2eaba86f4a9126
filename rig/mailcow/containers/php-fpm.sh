#!/bin/bash
# php-fpm by Mailcow's entrypoint, which makes the tables, with Mailcow's pools and settings.
set -euo pipefail
. "$(dirname -- "$0")/env.sh"
. "$(dirname -- "$0")/web.sh"
web_mounts
version=$(php -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
fpm=/etc/php/$version/fpm
conf=$DATA/conf/phpfpm

# The entrypoint gives files to 82:82, which is www-data in Mailcow's image.
sed -i 's/^www-data:x:33:33:/www-data:x:82:82:/' /etc/passwd
sed -i 's/^www-data:x:33:/www-data:x:82:/' /etc/group

mkdir -p /usr/local/etc/php /run/php
ln -sfn "$fpm/conf.d" /usr/local/etc/php/conf.d
cp "$conf"/php-conf.d/{opcache-recommended,upload}.ini "$fpm/conf.d/"
cp "$conf/php-conf.d/other.ini" "$fpm/conf.d/zzz-other.ini"
rm -f "$fpm"/pool.d/*
cp "$conf/php-fpm.d/pools.conf" "$fpm/pool.d/z-pools.conf"
ln -sf "/usr/sbin/php-fpm$version" /usr/local/bin/php-fpm
exec bash "$DOCKERFILES/phpfpm/docker-entrypoint.sh" php-fpm -F -d "date.timezone=$TZ" -d expose_php=0
