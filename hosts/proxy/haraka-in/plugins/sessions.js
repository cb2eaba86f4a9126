// At most so many sessions at once, in all and for one client (an IPv4 address or an IPv6 /64), so that memory is
// bounded and no one client can take every slot. Mailcow counts sessions too, but sees them all from the proxy.

const net = require('node:net')

let total = 0
const by_client = new Map()

exports.register = function () {
    this.limits = this.config.get('sessions.ini').main
    this.register_hook('connect_init', 'count')
    this.register_hook('lookup_rdns', 'admit')
    this.register_hook('disconnect', 'forget')
}

function client_of(ip) {
    if (!net.isIPv6(ip)) return ip
    const [head, tail] = ip.split('::')
    const left = head ? head.split(':') : []
    if (tail === undefined) return left.slice(0, 4).join(':')
    const right = tail ? tail.split(':') : []
    const zeros = Array(Math.max(0, 8 - left.length - right.length)).fill('0')
    return [...left, ...zeros, ...right].slice(0, 4).join(':')
}

exports.count = (next, connection) => {
    const client = client_of(connection.remote.ip)
    connection.notes.session_of = client
    total += 1
    by_client.set(client, (by_client.get(client) ?? 0) + 1)
    next()
}

exports.admit = function (next, connection) {
    const own = by_client.get(connection.notes.session_of) ?? 0
    if (total <= this.limits.total && own <= this.limits.per_client) return next()
    connection.logwarn(this, `too many sessions: ${total} in all, ${own} of ${connection.notes.session_of}`)
    next(DENYSOFTDISCONNECT, 'Too many connections, try again later')
}

exports.forget = (next, connection) => {
    const client = connection.notes.session_of
    if (client !== undefined) {
        delete connection.notes.session_of
        total -= 1
        const left = by_client.get(client) - 1
        if (left > 0) by_client.set(client, left)
        else by_client.delete(client)
    }
    next()
}
