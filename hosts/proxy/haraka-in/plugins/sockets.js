// Three things that Haraka's sockets lack:
//
// - TCP_NODELAY, on both legs. Haraka writes small lines and waits; with Nagle's algorithm and delayed
//   acknowledgements every message costs 40 ms for nothing.
// - Patience. RFC 5321 4.5.3.2 lets a server think for ten minutes after the final dot. Haraka gives up on backends
//   after 300 s: the message is then sent again although the server may have taken it. So a connected socket gets its
//   own, longer idle timeout.
// - Quick TLS to the backend, which gets a connection per message, inside WireGuard: TLS 1.2, whose server sends nothing
//   after the handshake (the session tickets of 1.3 and Nagle's algorithm at Postfix's end cost 40 ms again); sessions
//   resumed, which saves the server a signature; and one context, which is not read and parsed anew each time.

const net = require('node:net')
const tls = require('node:tls')

exports.register = function () {
    const { patience } = this.config.get('sockets.ini').main
    be_quick_and_patient(require('./tls_socket'), patience) // "./" is Haraka's own folder
    resume_sessions(require('./smtp_client').smtp_client)
}

exports.hook_connect_init = (next, connection) => {
    connection.client.targetsocket?.setNoDelay(true)
    next()
}

function be_quick_and_patient(tls_socket, patience) {
    const connect = tls_socket.connect
    tls_socket.connect = (options = {}) => {
        const socket = connect({ ...options, noDelay: true })
        // after Haraka's own listeners, which set the shorter timeout
        socket.once('connect', () => setImmediate(() => socket.setTimeout(patience * 1000)))
        return socket
    }
}

function resume_sessions(SMTPClient) {
    const upgrade = SMTPClient.prototype.upgrade
    const secureContext = tls.createSecureContext({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
    const sessions = new Map()
    SMTPClient.prototype.upgrade = function ({ rejectUnauthorized }) {
        const backend = `${this.host}:${this.port}`
        const servername = net.isIP(this.host) ? '' : this.host
        upgrade.call(this, { servername, rejectUnauthorized, secureContext, session: sessions.get(backend) })
        this.socket.cleartext.on('session', (session) => sessions.set(backend, session))
    }
}
