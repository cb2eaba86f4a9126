// Five things that Haraka's sockets lack:
//
// - TCP_NODELAY, on both legs. Haraka writes small lines and waits; with Nagle's algorithm and delayed
//   acknowledgements every message costs 40 ms for nothing.
// - Large writes. Haraka hands a message to the backend line by line: a system call and, without Nagle's algorithm,
//   a packet for each. So gather lines first.
// - Patience. RFC 5321 4.5.3.2 lets a server think for ten minutes after the final dot. Haraka gives up on backends
//   after 300 s: the message is then sent again although the server may have taken it. So a connected socket gets its
//   own, longer idle timeout.
// - Back pressure. Haraka reads a large message faster than it writes it to its spool file, and holds the rest in
//   memory. So let the sender wait while there is too much of that.
// - Quick TLS to the backend, which gets a connection per message, inside WireGuard: TLS 1.2, whose server sends nothing
//   after the handshake (the session tickets of 1.3 and Nagle's algorithm at Postfix's end cost 40 ms again); sessions
//   resumed, which saves the server a signature; and one context, which is not read and parsed anew each time.

const net = require('node:net')
const { Transform } = require('node:stream')
const tls = require('node:tls')

const GATHERED = 64 * 1024
const UNWRITTEN_MOST = 1024 * 1024
const UNWRITTEN_FEW = 256 * 1024

exports.register = function () {
    const { patience } = this.config.get('sockets.ini').main
    be_quick_and_patient(require('./tls_socket'), patience) // "./" is Haraka's own folder
    const { smtp_client } = require('./smtp_client')
    gather_messages(smtp_client)
    resume_sessions(smtp_client)
}

exports.hook_connect_init = (next, connection) => {
    connection.client.targetsocket?.setNoDelay(true)
    next()
}

exports.hook_data = (next, connection) => {
    const { client } = connection
    const stream = connection.transaction.message_stream
    const add_line = stream.add_line.bind(stream)
    let waiting = false

    const look_again = () => {
        if (connection.transaction?.message_stream !== stream) return
        if (stream.buffered > UNWRITTEN_FEW) return setImmediate(look_again)
        waiting = false
        client.resume()
    }
    stream.add_line = (line) => {
        add_line(line)
        if (waiting || !stream.spooling || stream.buffered <= UNWRITTEN_MOST) return
        waiting = true
        client.pause()
        setImmediate(look_again)
    }
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

function gather_messages(SMTPClient) {
    SMTPClient.prototype.start_data = function (message) {
        this.response = []
        this.command = 'dot'
        const lines = gatherer()
        this.socket.once('close', () => lines.destroy())
        lines.pipe(this.socket, { end: false })
        message.pipe(lines, { dot_stuffed: false, ending_dot: true })
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

function gatherer() {
    let parts = []
    let size = 0
    const hand_on = (stream) => {
        if (size) stream.push(Buffer.concat(parts, size))
        parts = []
        size = 0
    }
    return new Transform({
        transform(chunk, _encoding, done) {
            parts.push(chunk)
            size += chunk.length
            if (size >= GATHERED) hand_on(this)
            done()
        },
        flush(done) {
            hand_on(this)
            done()
        },
    })
}
