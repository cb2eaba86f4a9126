// How long a client has kept us waiting, in milliseconds.
//
// It counts from our last reply until the whole of the next command is there, however many bytes come in between
// (Postfix: smtpd_per_request_deadline). Within a message, bytes buy time at the least rate (smtpd_min_data_rate).
// While we make the client wait, it stands still. The clock of the machine may be set meanwhile, so it is not asked.

class Clock {
    constructor(limits, state) {
        this.limits = limits
        this.state = state
        this.since = new WeakMap() // of connections
    }

    begin(connection) {
        this.since.set(connection, performance.now())
    }

    // We have replied: it is the client's turn.
    replied(connection) {
        this.since.set(connection, performance.now())
    }

    progress(connection, bytes) {
        if (connection.state !== this.state.DATA) return
        const bought = (bytes / this.limits.data_rate) * 1000
        this.since.set(connection, Math.min(performance.now(), this.since.get(connection) + bought))
    }

    clients_turn({ state, client }) {
        const { CMD, LOOP, DATA } = this.state
        return state === CMD || state === LOOP || (state === DATA && client.readable !== false)
    }

    waited(connection) {
        return performance.now() - this.since.get(connection)
    }

    // Whose time is over.
    *late(connections, stressed) {
        const most = (stressed ? this.limits.stressed_seconds : this.limits.seconds) * 1000
        for (const connection of connections) {
            if (!this.clients_turn(connection)) {
                if (connection.state === this.state.DATA) this.begin(connection) // paused by us
            } else if (this.waited(connection) > most) {
                yield connection
            }
        }
    }
}

exports.Clock = Clock
