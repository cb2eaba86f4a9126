#!/bin/sh
# Asked by uacme: METHOD TYPE NAME TOKEN AUTH. A challenge is a file that nginx serves.
case "$1:$2" in
begin:http-01)
    umask 022
    printf '%s' "$5" >"/var/www/acme/$4"
    ;;
done:http-01 | failed:http-01)
    rm -f "/var/www/acme/$4"
    ;;
*) exit 1 ;;
esac
