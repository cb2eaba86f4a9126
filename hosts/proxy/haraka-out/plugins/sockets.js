// Two things that Haraka's sockets lack, on both legs:
//
// - TCP_NODELAY. Haraka writes small lines and waits; with Nagle's algorithm and delayed acknowledgements every
//   message costs 40 ms for nothing.
// - Patience. RFC 5321 4.5.3.2 lets a server think for ten minutes after the final dot. Haraka gives up on backends
//   after 300 s, and on outbound servers after outbound.ini's connect_timeout (30 s): the message is then sent again
//   although the server may have taken it. So a connected socket gets its own, longer idle timeout.

exports.register = function () {
    const tls_socket = require('./tls_socket') // "./" is Haraka's own folder
    const { patience } = this.config.get('sockets.ini').main
    const connect = tls_socket.connect

    tls_socket.connect = (options = {}) => {
        const socket = connect({ ...options, noDelay: true })
        // after Haraka's own listeners, which set the shorter timeout
        socket.once('connect', () => setImmediate(() => socket.setTimeout(patience * 1000)))
        return socket
    }
}

exports.hook_connect_init = (next, connection) => {
    connection.client.targetsocket?.setNoDelay(true)
    next()
}
