// Who has a session, and who gives one up where all are taken.

const net = require('node:net')

const NEARLY_FULL = 0.75
const MOMENT = 1000 // ms: a client that answers within it does not keep us waiting
const LINGER = 2000 // ms for a client to read the last reply and close; then its socket goes

class Slots {
    constructor(limits, clock) {
        this.limits = limits
        this.clock = clock
        this.sessions = new Set()
        this.clients = new Map() // client → number of sessions
        this.lingering = new Set() // sockets of sessions that are over
    }

    get overfull() {
        return this.sessions.size > this.limits.total
    }

    get nearly_full() {
        const { total, upstream } = this.limits
        return this.sessions.size >= total * NEARLY_FULL || this.at_mailcow.length >= upstream * NEARLY_FULL
    }

    // Each of these has a connection to Mailcow, whose Postfix has only so many processes; `end_kept` is there where one
    // only waits for the session's next message ("xclient_upstream").
    get at_mailcow() {
        return [...this.sessions].filter(({ notes }) => notes.smtp_client || notes.end_kept)
    }

    too_many_of(connection) {
        return this.held_by(connection) > this.limits.per_client
    }

    take(connection) {
        const client = client_of(connection.remote.ip)
        connection.notes.session_of = client
        this.sessions.add(connection)
        this.clients.set(client, (this.clients.get(client) ?? 0) + 1)
    }

    free(connection) {
        if (!this.sessions.delete(connection)) return
        const client = connection.notes.session_of
        const left = this.clients.get(client) - 1
        if (left > 0) this.clients.set(client, left)
        else this.clients.delete(client)
        this.linger(connection.client)
    }

    // The session that costs others most: by how long nothing has come of it, and how many its client has. Nobody
    // gives up a place for a client that has as many, unless nothing came of it for a while; and nobody whose message
    // is being handed on, for Mailcow might have taken it.
    to_give_up_for(newcomer, among = this.sessions) {
        const own = this.held_by(newcomer)
        let [worst, most] = [undefined, 0]
        for (const connection of among) {
            const held = this.held_by(connection)
            const waited = this.clock.waited(connection)
            const handed_on = connection.awaiting_data_reply
            if (connection === newcomer || handed_on || (held <= own && waited < MOMENT)) continue
            const cost = held * (waited + MOMENT / 10)
            if (cost > most) [worst, most] = [connection, cost]
        }
        return worst
    }

    describe(connection) {
        return `${this.sessions.size} in all, ${this.held_by(connection)} of ${connection.notes.session_of}`
    }

    held_by(connection) {
        return this.clients.get(connection.notes.session_of) ?? 0
    }

    // A client that never closes would keep its socket, and what it has not read, for as long as it likes.
    linger(socket) {
        const timer = setTimeout(() => socket.destroy(), LINGER)
        const gone = () => {
            clearTimeout(timer)
            this.lingering.delete(socket)
        }
        this.lingering.add(socket)
        socket.once('close', gone)
        if (this.lingering.size > this.limits.total) {
            const [oldest] = this.lingering
            this.lingering.delete(oldest)
            oldest.destroy()
        }
    }
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

exports.Slots = Slots
