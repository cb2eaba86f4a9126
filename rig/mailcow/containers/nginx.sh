#!/bin/bash
# nginx by Mailcow's entrypoint and bootstrap.py.
set -euo pipefail
. "$(dirname -- "$0")/env.sh"
. "$(dirname -- "$0")/web.sh"
web_mounts
id nginx >/dev/null 2>&1 || useradd --system --shell /usr/sbin/nologin nginx
mkdir -p /etc/nginx/includes /usr/local/lib/GNUstep/SOGo /var/log/nginx
rm -rf /etc/nginx/modules-enabled
cp "$DOCKERFILES/nginx/bootstrap.py" /bootstrap.py
cd / # bootstrap.py looks for its templates from here
# Its cache loader unlinks what it does not know in /tmp.
mount -t tmpfs -o mode=1777 none /tmp

# nginx before 1.25.1 (Debian 12) does not know `http2 on`.
version=$(nginx -v 2>&1 | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1)
if dpkg --compare-versions "$version" lt 1.25.1; then
    old="sed -i '/^ *http2 on;/d' /etc/nginx/nginx.conf /etc/nginx/conf.d/*.active /etc/nginx/includes/*.conf"
fi
exec sh "$DOCKERFILES/nginx/docker-entrypoint.sh" sh -c "${old:-:}; exec nginx -g 'daemon off;'"
