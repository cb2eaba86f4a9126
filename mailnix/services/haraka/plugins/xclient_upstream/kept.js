// A connection to the mail server is kept for the next message of the same session, as the client's own would be: to
// open one, with TLS and XCLIENT, costs more than all the rest of a message.
//
// It is never given to another client: Postfix takes no second XCLIENT (550: whether one may send it is asked of the
// client that was announced). Nor where the client's HELO name has changed, or anything was refused on it, since the
// mail server counts the errors of a session; and only for a moment, since it holds one of the mail server's processes.

exports.Kept = class {
    constructor(seconds) {
        this.seconds = seconds
        this.entries = new WeakMap() // of sessions
        this.heard = new WeakMap() // of clients: what queue/smtp_proxy listens to
    }

    // Gives a client to queue/smtp_proxy, which listens to it anew for every message.
    give(client, callback) {
        const heard = []
        client.on = (event, listener) => {
            heard.push([event, listener])
            return client.addListener(event, listener)
        }
        callback(null, client)
        delete client.on
        this.heard.set(client, heard)
    }

    // From now on, `release` after a message that was taken keeps it.
    watch(connection, client) {
        const entry = { client, hello: connection.hello.host, taken: false, refused: false }
        entry.end = client.release.bind(client)
        client.prependListener('dot', () => (entry.taken = true))
        client.prependListener('bad_code', () => (entry.refused = true))
        client.release = () => (entry.taken && !entry.refused ? this.put(connection, entry) : entry.end())
    }

    put(connection, entry) {
        entry.taken = false
        for (const [event, listener] of this.heard.get(entry.client)) entry.client.removeListener(event, listener)
        entry.timer = setTimeout(() => this.end(connection), this.seconds * 1000)
        this.entries.set(connection, entry)
        connection.notes.end_kept = () => this.end(connection) // where others need it more ("sessions")
    }

    // The session's, if there is one to go on with.
    take(connection) {
        const entry = this.remove(connection)
        if (!entry) return undefined
        const { client, hello, refused } = entry
        if (!refused && !client.socket.targetsocket.destroyed && hello === connection.hello.host) return client
        entry.end()
        return undefined
    }

    end(connection) {
        this.remove(connection)?.end()
    }

    remove(connection) {
        const entry = this.entries.get(connection)
        this.entries.delete(connection)
        delete connection.notes.end_kept
        clearTimeout(entry?.timer)
        return entry
    }
}
