# shellcheck shell=bash
# What PHP and nginx see of the tree.
web_mounts() {
    local file
    bind "$DATA/web" /web
    bind "$DATA/hooks/phpfpm" /hooks
    bind "$DATA/conf/rspamd/dynmaps" /dynmaps
    bind "$DATA/conf/rspamd/custom" /rspamd_custom_maps
    bind "$DATA/conf/rspamd/meta_exporter" /meta_exporter
    bind "$DATA/conf/sogo" /etc/sogo
    bind "$DATA/conf/phpfpm/crons" /crons
    mkdir -p "$DATA/conf/phpfpm/sogo-sso"
    bind "$DATA/conf/phpfpm/sogo-sso" /etc/sogo-sso
    bind "$DATA/conf/dovecot/global_sieve_before" /global_sieve/before
    bind "$DATA/conf/dovecot/global_sieve_after" /global_sieve/after
    bind "$DATA/assets/templates" /tpls
    bind "$DATA/assets/ssl" /etc/ssl/mail
    bind "$DATA/conf/nginx" /etc/nginx/conf.d
    bind "$DATA/conf/dovecot/auth/mailcowauth.php" /mailcowauth/mailcowauth.php
    for file in functions functions.auth functions.mailbox functions.ratelimit functions.acl sessions; do
        bind "$DATA/web/inc/$file.inc.php" "/mailcowauth/$file.inc.php"
    done
}
