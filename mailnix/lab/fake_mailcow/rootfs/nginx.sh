#!/bin/sh
# nginx, the API behind it, the client of ACME and its challenges, and where Mailcow's pages would be.
. /fake-mailcow/common.sh
export PYTHONDONTWRITEBYTECODE=1
cd /fake-mailcow || exit 1
forever python3 -m api
forever python3 -m api.certificates

listeners() {
    [ "$HTTP_REDIRECT" = y ] || echo "listen $HTTP_PORT;"
    echo "listen $HTTPS_PORT ssl;"
    if [ "$ENABLE_IPV6" = true ]; then
        [ "$HTTP_REDIRECT" = y ] || echo "listen [::]:$HTTP_PORT;"
        echo "listen [::]:$HTTPS_PORT ssl;"
    fi
}

redirect() {
    [ "$HTTP_REDIRECT" = y ] || return 0
    cat <<END
server {
    listen $HTTP_PORT default_server;
    root /web;
    location ^~ /.well-known/acme-challenge/ { default_type text/plain; }
    location / { return 301 https://\$host\$uri\$is_args\$args; }
}
END
}

trusted() {
    for network in 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 $(echo "$TRUSTED_PROXIES" | tr ',' ' '); do
        echo "set_real_ip_from $network;"
    done
}

cat >/run/nginx.conf <<END
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr warn;
events { worker_connections 512; }
http {
    include /etc/nginx/mime.types;
    access_log /dev/stdout;
    server_tokens off;
    $(redirect)
    server {
        $(listeners)
        server_name $MAILCOW_HOSTNAME autodiscover.* autoconfig.* mta-sts.* $(echo "$ADDITIONAL_SERVER_NAMES" | tr ',' ' ');
        ssl_certificate /etc/ssl/mail/cert.pem;
        ssl_certificate_key /etc/ssl/mail/key.pem;
        root /web;
        client_max_body_size 0;
        real_ip_header X-Forwarded-For;
        real_ip_recursive on;
        $(trusted)
        location ^~ /.well-known/acme-challenge/ { default_type text/plain; }
        location /api/ {
            proxy_pass http://127.0.0.1:9002;
            proxy_set_header X-Real-IP \$remote_addr;
            proxy_read_timeout 3600s;
        }
        # Mailcow's page wants to know whose mailbox it is.
        location ~* ^/autodiscover/ { return 401; }
        include /etc/nginx/conf.d/site.*.custom;
    }
    server {
        listen 8081;
        location / { return 200 "fake Mailcow\n"; }
    }
    include /etc/nginx/conf.d/*.conf;
}
END
on_new_certificate nginx -c /run/nginx.conf -s reload
exec nginx -c /run/nginx.conf -g 'daemon off;'
