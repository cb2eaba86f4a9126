# mail.sh TOPLEVEL: starts both Harakas of the machine `relay` as its units do, with the secrets that sops-nix would lay, and a
# mail server outside; sends mails, and prints what became of each. In namespaces of its own: all of it ends with this shell.
set -eu
units=$1/etc/systemd/system here=$(dirname "$0")
ip link set lo up
for folder in /run /srv /var/lib; do mount -t tmpfs tmpfs "$folder"; done

laid=$(grep -o '/nix/store/[^ ]*-sops-install-secrets' "$1/activate" | head -n 1)
sed -n 's#^install .* \(/nix/store/[^ ]*\) "$new/\(.*\)"$#\1 \2#p' "$laid" | while read -r source name; do
  install -D -m 0400 "$source" "/run/secrets/$name"
done

of() { # INSTANCE KEY: the values in its unit
  sed -n "s/^$2=//p" "$units/haraka-$1.service"
}

start() { # INSTANCE
  home=/run/haraka-$1 credentials=/run/credentials/$1
  mkdir -p "$home" "$home-tls" "$credentials" "/var/lib/haraka-$1" /srv/mail/queue
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
    -keyout "$home-tls/key.pem" -out "$home-tls/cert.pem" 2>/dev/null
  of "$1" LoadCredential | while IFS=: read -r id source; do cp "$source" "$credentials/$id"; done
  CREDENTIALS_DIRECTORY=$credentials "$(of "$1" ExecStartPre | grep assemble)"
  (cd "$home" && exec $(of "$1" ExecStart)) >"/run/$1.log" 2>&1 &
}

listens() { # PORT
  for _ in $(seq 120); do
    [ -z "$(ss -Hltn "sport = :$1")" ] || return 0
    sleep 1
  done
  tail -n 20 /run/*.log >&2
  exit 1
}

post() { # WORD...: prints nothing where the mail is taken, else the server's code
  python3 "$here/post.py" 127.0.0.1 "$@" 2>&1 >/dev/null | tail -n 1 | grep -o '[45][0-9][0-9]' | head -n 1
}

taken() { # RECIPIENT
  for _ in $(seq 60); do
    found=$(grep -hs "^RCPT TO:<$1>" /var/lib/sink/*.eml | tr -d '\r')
    [ -z "$found" ] || { echo "$found"; return 0; }
    sleep 1
  done
  tail -n 20 /run/*.log >&2
  exit 1
}

mkdir /var/lib/sink
python3 "$here/sink.py" 127.0.0.1 2525 /var/lib/sink &
start mx
start submission
for port in 25 587 2525; do listens "$port"; done

post 25 bob@example.net alice@example.org
echo "mx takes: $(taken alice@example.org)"
echo "mx refuses: $(post 25 bob@example.net carol@example.com)"
post 587 alice@example.org dave@example.net alice her-password
echo "submission takes: $(taken dave@example.net)"
echo "submission refuses a wrong password: $(post 587 alice@example.org dave@example.net alice another)"
echo "submission refuses without one: $(post 587 alice@example.org dave@example.net)"
