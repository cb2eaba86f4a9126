// Mail to servers whose STARTTLS is broken leaves in clear, as RFC 7435 wants it and Postfix does.
//
// Haraka knows this, but remembers such servers in Redis only, which is not here: it would try TLS for five days and
// then bounce the mail. So remember them here, for an hour. Only a handshake that failed counts: Haraka calls every
// error on an encrypted connection one of TLS, and a connection lost in mid-message says nothing about that.

const HOST = Symbol('host')
const MEMORY = 3600 * 1000 // milliseconds
const MOST_HOSTS = 10_000

exports.register = function () {
    const obtls = require('./outbound/tls') // "./" is Haraka's own folder
    const tls_socket = require('./tls_socket')
    const marked = new Map() // host → when it was
    const failed = new Set() // hosts whose handshake has failed just now

    const { get_tls_options } = obtls
    obtls.get_tls_options = (mx) => ({ ...get_tls_options.call(obtls, mx), [HOST]: mx.path || mx.exchange })

    const { connect } = tls_socket
    tls_socket.connect = (options) => {
        const socket = connect(options)
        const { upgrade } = socket
        socket.upgrade = (tls_options, secured) => {
            const host = tls_options[HOST]
            if (!host) return upgrade(tls_options, secured)
            const note = (err) => {
                if (err.source === 'tls') failed.add(host)
            }
            socket.prependListener('error', note) // before Haraka's own, which asks at once
            upgrade(tls_options, (...facts) => {
                socket.removeListener('error', note)
                secured?.(...facts)
            })
        }
        return socket
    }

    obtls.mark_tls_nogo = (host, next) => {
        if (failed.delete(host)) {
            marked.delete(host) // so that it becomes the youngest
            marked.set(host, Date.now())
            if (marked.size > MOST_HOSTS) marked.delete(marked.keys().next().value)
            this.lognotice(`${host}: its STARTTLS failed, mail goes there in clear for an hour`)
        }
        next()
    }

    obtls.check_tls_nogo = (host, with_tls, in_clear) => {
        const when = marked.get(host)
        if (when === undefined || Date.now() - when > MEMORY) return with_tls()
        in_clear(new Date(when).toISOString())
    }
}
