// Node takes one connection a turn of its event loop from a listening socket (libuv, since 1.45), and in that turn also
// whatever the sessions have sent. So behind 200 that connect at once a newcomer waits 200 turns, each longer than the one
// before. Of SOCKETS that listen on the same port (SO_REUSEPORT) each gives one, and the kernel spreads clients.

const net = require('node:net')

const SOCKETS = 16

exports.listen_often = function (Server) {
    const { get_smtp_server } = Server
    Server.get_smtp_server = async (...args) => {
        const server = await get_smtp_server.apply(Server, args)
        const { listen } = server
        server.listen = (options, ...rest) => listen.call(server, { ...options, reusePort: true }, ...rest)
        server.once('listening', () => {
            for (let number = 1; number < SOCKETS; number++) Server.listeners.push(beside(server))
        })
        return server
    }
}

function beside(server) {
    const { address: host, port } = server.address()
    const other = net.createServer((socket) => server.emit('connection', socket))
    other.on('error', (err) => server.emit('error', err))
    return other.listen({ host, port, reusePort: true })
}
