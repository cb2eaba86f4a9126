#!/bin/sh
# Keeps the key that TLSA records name, with a certificate for it, where haraka-certificate takes both from.
# Usage: mailnix-dane show KEY NAME KEPT SHOWN
#        mailnix-dane renew KEY NAME KEPT SHOWN CONFIG AUTHORITIES...
# `show` puts KEY and its certificate into SHOWN: the one in KEPT, or a self-signed one until there is one.
# `renew` gets another into KEPT in good time, with dehydrated and its CONFIG, and shows it. The authority's own
# certificate must be signed by one of AUTHORITIES, files of which those count that exist.
set -eu
umask 077
verb=$1 key=$2 name=$3 kept=$4 shown=$5
shift 5

fits() { # CERTIFICATE: it is for the key and the name
    of_key=$(openssl pkey -in "$key" -pubout) || exit 1
    of_certificate=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null) || return 1
    [ "$of_certificate" = "$of_key" ] || return 1
    openssl x509 -in "$1" -noout -checkhost "$name" | grep -q 'does match'
}

seconds() { # WHICH: startdate or enddate of the certificate in KEPT, since 1970
    date +%s -d "$(openssl x509 -in "$kept/cert.pem" -noout "-$1" | cut -d= -f2)"
}

fresh() { # not in the last third of its life, which is when Caddy renews its own
    begin=$(seconds startdate) end=$(seconds enddate)
    [ "$(date +%s)" -lt $((end - (end - begin) / 3)) ]
}

show() {
    cat "$key" >"$new/key.pem" # not its mode: who is not root could not write this file again, and `renew` shows twice
    if fits "$kept/cert.pem"; then
        cp "$kept/cert.pem" "$new/cert.pem"
    elif fits "$shown/cert.pem"; then
        cp "$shown/cert.pem" "$new/cert.pem"
    else
        echo "no certificate for this key yet: a self-signed one stands in, which is as good to who checks DANE"
        openssl req -x509 -key "$key" -days 3650 -subj /O=self-signed -addext "subjectAltName=DNS:$name" \
            -out "$new/cert.pem"
    fi
    for file in key.pem cert.pem; do
        cmp -s "$new/$file" "$shown/$file" || mv -f "$new/$file" "$shown/$file"
    done
}

# dehydrated makes the key of an account first: one that it was interrupted with is "already registered" to it for ever,
# and unknown to the authority. Another authority or contact is another account.
registered() { # CONFIG
    ! cmp -s "$1" "$kept/registered" || return 0
    rm -rf "$kept/accounts"
    timeout 300 dehydrated --config "$1" --no-lock --register --accept-terms || return 1
    sync -f "$kept"
    cp "$1" "$kept/registered"
}

# What the client says is kept beside, for `forgotten`.
signed() { # CONFIG
    status=0
    timeout 300 dehydrated --config "$1" --no-lock --signcsr "$new/request.pem" >"$new/answer" 2>"$new/said" || status=$?
    cat "$new/said" >&2
    return $status
}

forgotten() { # the authority does not know the account any more (RFC 8555 6.7), and never will again
    grep -q urn:ietf:params:acme:error:accountDoesNotExist "$new/said" || return 1
    echo "the authority has forgotten the account: another one is made"
    rm "$kept/registered"
}

failed() {
    echo "no certificate for $name now; it is tried again within the hour"
    exit 75 # EX_TEMPFAIL
}

renew() {
    config=$1
    shift
    openssl req -new -key "$key" -subj / -addext "subjectAltName=DNS:$name" -out "$new/request.pem"
    : >"$new/authorities.pem"
    for file in "$@"; do
        [ ! -e "$file" ] || cat "$file" >>"$new/authorities.pem"
    done
    export CURL_CA_BUNDLE="$new/authorities.pem"
    registered "$config" || failed
    signed "$config" || { forgotten && registered "$config" && signed "$config"; } || failed
    sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' "$new/answer" >"$kept/.cert.pem"
    fits "$kept/.cert.pem" || { echo "what the authority sent is no certificate for $name and this key" >&2 && exit 1; }
    mv -f "$kept/.cert.pem" "$kept/cert.pem"
    echo "a new certificate for $name, for the same key"
}

# In memory, for the key is in it.
new=$(mktemp -d "$shown/.new.XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM # dash runs no EXIT trap where a signal ends it

show
if [ "$verb" = renew ]; then
    if fits "$kept/cert.pem" && fresh; then exit 0; fi
    renew "$@"
    show
fi
