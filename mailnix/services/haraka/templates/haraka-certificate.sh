#!/bin/sh
# Gives Haraka the certificate that an ACME client holds, or a self-signed one until there is one.
# Usage: haraka-certificate CERTIFICATE KEY NAME FOLDER GROUP TLS_INI...
# Both files go to FOLDER, GROUP may read the key, and each TLS_INI that exists is touched.
set -eu
umask 077
certificate=$1 key=$2 name=$3 folder=$4 group=$5
shift 5

fits() { # CERTIFICATE KEY: both are whole, and belong together
    of_certificate=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null) || return 1
    of_key=$(openssl pkey -in "$2" -pubout 2>/dev/null) || return 1
    [ "$of_certificate" = "$of_key" ]
}

new=$(mktemp -d "$folder/.new.XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM # dash runs no EXIT trap where a signal ends it

# The two files are written one after the other: give their writer a moment to finish.
tries=10
while [ -e "$certificate" ] && [ "$tries" -gt 0 ]; do
    cp "$certificate" "$new/cert.pem" && cp "$key" "$new/key.pem" && fits "$new/cert.pem" "$new/key.pem" && break
    rm -f "$new/cert.pem" "$new/key.pem"
    tries=$((tries - 1))
    sleep 1
done

if [ ! -e "$new/cert.pem" ]; then
    if [ -e "$folder/cert.pem" ] && fits "$folder/cert.pem" "$folder/key.pem"; then
        echo "no usable certificate in $certificate: keeping what is there"
        exit 0
    fi
    echo "no certificate in $certificate yet: a self-signed one stands in"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=$name" \
        -addext "subjectAltName=DNS:$name" -keyout "$new/key.pem" -out "$new/cert.pem" 2>/dev/null
fi

if cmp -s "$new/cert.pem" "$folder/cert.pem" && cmp -s "$new/key.pem" "$folder/key.pem"; then
    exit 0
fi
chgrp "$group" "$new/key.pem"
chmod 0640 "$new/key.pem"
chmod 0644 "$new/cert.pem"
mv -f "$new/key.pem" "$folder/key.pem"
mv -f "$new/cert.pem" "$folder/cert.pem"
echo "Haraka has a new certificate"

# Haraka reads both again a few seconds after its tls.ini has changed.
for tls_ini in "$@"; do
    [ ! -e "$tls_ini" ] || touch "$tls_ini"
done
