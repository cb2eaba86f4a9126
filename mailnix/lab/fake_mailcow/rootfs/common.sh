# Shared by the fake Mailcow's entry points; POSIX shell, sourced.

say() { echo "fake-mailcow: $*"; }

# Wait until a command works: nothing here takes long, but all start at once.
until_works() {
    until "$@" >/dev/null 2>&1; do sleep 0.3; done
}

# Run a command in the background, again whenever it ends, as a container of its own would be.
forever() {
    (
        while :; do
            "$@"
            say "$* ended with status $?"
            sleep 1
        done
    ) &
}

run_hooks() {
    for file in /hooks/*; do
        if [ -f "$file" ] && [ -x "$file" ]; then
            echo "Running hook $file"
            "$file"
        fi
    done
}

# Run a command whenever the certificate changes, in the background. In Mailcow the ACME container asks Docker for it.
on_new_certificate() {
    (
        last=$(stat -c %i.%Y /etc/ssl/mail/cert.pem 2>/dev/null)
        while sleep 2; do
            now=$(stat -c %i.%Y /etc/ssl/mail/cert.pem 2>/dev/null)
            if [ -n "$now" ] && [ "$now" != "$last" ]; then
                last=$now
                say "new certificate"
                "$@"
            fi
        done
    ) &
}

DATABASE=/var/lib/fake-mailcow/mailcow.sqlite
