# shellcheck shell=bash
# minica --ca-key FILE --ca-cert FILE --domains NAME,…: a certificate for the names, in a folder called as the first of
# them; the authority is made where it is not there.
set -eu
addresses=
while [ $# -gt 0 ]; do
  case $1 in
    *=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
  esac
  case $1 in
    --ca-key) key=$2 ;;
    --ca-cert) cert=$2 ;;
    --domains) domains=$2 ;;
    --ip-addresses) addresses=$2 ;;
    *) exit 2 ;;
  esac
  shift 2
done
make() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -batch "$@"; }
[ -e "$key" ] || make -keyout "$key" -out "$cert" -days 36500 -subj "/CN=minica root ca"

name=${domains%%,*}
names=DNS:${domains//,/,DNS:}${addresses:+,IP:${addresses//,/,IP:}}
mkdir -p "$name"
make -CA "$cert" -CAkey "$key" -keyout "$name/key.pem" -out "$name/cert.pem" -days 731 -subj "/CN=$name" \
  -addext "subjectAltName=$names" -addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth,clientAuth
