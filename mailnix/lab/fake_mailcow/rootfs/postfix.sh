#!/bin/sh
# Postfix, started the way Mailcow starts it: hooks, then main.cf up to its mark with extra.cf behind it.
. /fake-mailcow/common.sh
conf=/opt/postfix/conf
queue=/var/spool/postfix

# The queue's folders, on a new volume: what `postfix check` takes an emulated machine half a minute for.
make_queue() {
    private="active bounce corrupt defer deferred flush hold incoming private saved trace"
    (
        cd $queue || exit 1
        mkdir -p $private maildrop public pid
        chown postfix:root $private
        chown postfix:postdrop maildrop public
        chmod 700 $private
        chmod 730 maildrop
        chmod 710 public
        rm -f pid/master.pid
    )
}

run_hooks
until_works test -s "$DATABASE"

printf 'null: /dev/null\n' >/etc/aliases
echo SYNC_CHROOT= >/etc/default/postfix  # Debian's: nothing here is chrooted
mkdir -p $conf/sql
cp /fake-mailcow/postfix/*.cf $conf/sql/
touch $conf/extra.cf $conf/custom_transport.pcre $conf/custom_postscreen_whitelist.cidr

# The host's name comes from mailcow.conf, whatever extra.cf says: that line is replaced there too.
sed -i '/\$myhostname/! { /myhostname/d }' $conf/extra.cf
{ echo "myhostname = $MAILCOW_HOSTNAME"; cat $conf/extra.cf; } >/run/extra.cf
cat /run/extra.cf >$conf/extra.cf
sed -i '/Overrides/q' $conf/main.cf
{ printf '\n# User Overrides\n'; cat $conf/extra.cf; } >>$conf/main.cf

newaliases -C $conf
make_queue
touch $queue/quick-start  # no check of every file: they came with the image
if ! postconf -c $conf >/dev/null; then
    echo "Postfix configuration error, refusing to start."
    exit 1
fi
on_new_certificate postfix -c $conf reload
exec postfix -c $conf start-fg
