// What is remembered of receivers' hosts: who is dead for now, who cannot do TLS, which connections are open.
//
// A host that could not be reached, or did not begin to speak, is left alone for a while, longer each time (Postfix's
// qmgr does so with destinations). Meanwhile mail for it is deferred at once, with the reason that it gave, so that it
// holds up nothing else. Only so many deliveries go to one host at a time, and only one to a host that has just failed;
// the others wait here, which costs no slot and no connection.

const MOST_HOSTS = 10_000
const IN_CLEAR = 3600 * 1000 // milliseconds for which a broken handshake is remembered

class Hosts {
    // `settings`: deliveries `per_host`; seconds `dead_first`, `dead_most`, `idle` (of a connection kept); `mails` on one
    constructor(settings, now = () => performance.now()) { // no matter how the clock is set
        this.settings = settings
        this.now = now
        this.known = new Map()
    }

    of(mx) {
        const key = `${mx.exchange}:${mx.port}`
        let host = this.known.get(key)
        if (!host) {
            host = { key, failures: 0, dead_until: 0, why: '', busy: 0, waiting: [], idle: [], clear_until: 0 }
            this.known.set(key, host)
            if (this.known.size > MOST_HOSTS) this.forget()
        }
        return host
    }

    // Why a host is not to be tried now; empty if it may be.
    dead(host) {
        return host.dead_until > this.now() ? host.why : ''
    }

    // A turn at this host, when it comes; false where the host turned out dead meanwhile. `pause` and `resume` are
    // called around a wait.
    async turn(host, pause, resume) {
        if (this.free(host)) {
            host.busy += 1
            return true
        }
        pause()
        const turn = await new Promise((resolve) => host.waiting.push(resolve))
        await resume()
        return turn
    }

    free(host) {
        return host.busy < (host.failures ? 1 : this.settings.per_host)
    }

    done(host) {
        host.busy -= 1
        while (host.waiting.length && this.free(host)) {
            host.busy += 1
            host.waiting.shift()(true)
        }
    }

    works(host) {
        host.failures = host.dead_until = 0
    }

    fails(host, why) {
        const { dead_first, dead_most } = this.settings
        if (this.dead(host)) return // of several at once, one counts
        const seconds = Math.min(dead_first * 2 ** host.failures, dead_most)
        host.failures += 1
        host.dead_until = this.now() + seconds * 1000
        host.why = why
        for (const told of host.waiting.splice(0)) told(false)
    }

    // Its handshake failed: in clear for an hour, as RFC 7435 wants it and Postfix does (at once, in the same attempt).
    broken_tls(host) {
        host.clear_until = this.now() + IN_CLEAR
    }

    in_clear(host) {
        return host.clear_until > this.now()
    }

    // A connection that is open and fit for the next mail.
    reuse(host, fit) {
        const at = host.idle.findIndex(({ session }) => fit(session))
        if (at < 0) return undefined
        const [{ session, timer }] = host.idle.splice(at, 1)
        clearTimeout(timer)
        session.gone = undefined
        return session.failure ? undefined : session
    }

    keep(host, session) {
        const { idle, mails } = this.settings
        if (!idle || session.mails >= mails || session.failure) return session.close()
        const entry = { session }
        const forget = () => {
            host.idle = host.idle.filter((each) => each !== entry)
        }
        entry.timer = setTimeout(() => {
            forget()
            session.close()
        }, idle * 1000)
        session.gone = () => {
            clearTimeout(entry.timer)
            forget()
        }
        host.idle.push(entry)
    }

    forget() {
        for (const [key, host] of this.known) {
            if (host.busy || host.waiting.length || host.idle.length) continue
            this.known.delete(key)
            return
        }
    }
}

module.exports = { Hosts }
