// One attempt to deliver one mail: host after host, until every recipient has an answer or there is no host left.
//
// Only an answer about the mail or a recipient is final. What a host says of itself or of us (a greeting, EHLO,
// STARTTLS) means the next host, then later, as with Postfix (`smtp_skip_5xx_greeting`).

const { Session, Trouble } = require('./session')
const { converted, eight_bit, eight_bit_parts, TooLong } = require('./eightbit')

const MOST_HOSTS = 5 // to try, and of those that answered: as Postfix's smtp_mx_address_limit and _session_limit
const MOST_SESSIONS = 2
const ABOUT_LOGIN = ['530', '534', '535', '538'] // RFC 4954 6: a word about us, to whoever we log in at

class Attempt {
    // `mail`: from, recipients, body ('8BITMIME' if so declared), size, open() → chunks. `policy(mx)` says how TLS is
    // meant to be (see deliveries.js). `env`: hosts, timing, hello, source, log.
    constructor(mail, policy, slot, env) {
        Object.assign(this, { mail, policy, slot, env })
        this.pending = new Set(mail.recipients)
        this.results = new Map() // recipient → { action, mx, secured, reply | reason }
        this.sessions = 0
    }

    async run(route) {
        for (const mx of route.slice(0, MOST_HOSTS)) {
            if (!this.pending.size || this.taken || this.sessions >= MOST_SESSIONS) break
            await this.host(mx)
        }
        return this.results
    }

    async host(mx) {
        const { hosts } = this.env
        const host = hosts.of(mx)
        const slot = this.slot
        const turn = !hosts.dead(host) && (await hosts.turn(host, () => slot.pause(), () => slot.resume()))
        if (!turn) return this.defer(mx, `${named(mx)} is left alone for now: ${hosts.dead(host) || host.why}`)
        try {
            const policy = await this.policy(mx)
            if (policy.refused) return this.defer(mx, `${named(mx)}: ${policy.refused}`)
            await this.converse(mx, host, policy)
        } finally {
            hosts.done(host)
        }
    }

    async converse(mx, host, policy) {
        const { hosts } = this.env
        const kept = hosts.reuse(host, (session) => session.fit === fit(mx, policy))
        if (kept) {
            this.sessions += 1
            kept.heard = () => this.slot.heard()
            if (await this.transact(kept, mx, host)) return
        }
        const session = await this.greet(mx, host, policy)
        if (session) await this.transact(session, mx, host)
    }

    // A session that is ready for MAIL; without one, recipients have their reasons.
    async greet(mx, host, policy, clear = this.env.hosts.in_clear(host)) {
        const { hosts, timing, hello, log } = this.env
        const bind = mx.from_dns ? this.env.source(mx.exchange) : mx.bind // our own configuration knows its way
        const session = new Session({ ...mx, bind }, timing, () => this.slot.heard())
        try {
            await this.open(session, policy)
            this.sessions += 1
            await session.hello(hello)
            if (!policy.implicit) await this.secure(session, policy, clear)
            if (policy.login) await session.login(policy.login)
            hosts.works(host)
            session.fit = fit(mx, policy)
            return session
        } catch (err) {
            session.abort()
            if (err instanceof TooLong) return this.unconvertible(mx, err)
            if (!(err instanceof Trouble)) throw err
            if (err.handshake && !policy.required) {
                log.notice(`${named(mx)}: its STARTTLS failed, mail goes there in clear for an hour: ${err.message}`)
                hosts.broken_tls(host)
                this.sessions -= 1
                return clear ? undefined : await this.greet(mx, host, policy, true)
            }
            if (!err.policy) hosts.fails(host, err.message)
            this.defer(mx, `${named(mx)}: ${err.message}`, err.reply)
            return undefined
        }
    }

    async open(session, policy) {
        if (!policy.implicit) return await session.open()
        try {
            await session.open(policy.options)
        } catch (err) {
            if (!err.handshake) throw err
            throw new Trouble(`TLS failed: ${err.message}`, { policy: true })
        }
        this.prove(session, policy)
    }

    // TLS where it is offered; where a policy requires it, that or nothing.
    async secure(session, policy, clear) {
        if (clear && !policy.required) return
        const missing = session.extensions.has('STARTTLS') ? '' : 'it offers no STARTTLS'
        const why = missing || ((await this.begin_tls(session, policy)) ? '' : 'it refuses STARTTLS')
        if (why) {
            policy.note?.({ kind: 'starttls-not-supported', why })
            if (policy.required) throw new Trouble(`${why}, which its policy requires`, { policy: true })
            return // in clear, on the same connection
        }
        this.prove(session, policy)
        await session.hello(this.env.hello)
    }

    prove(session, policy) {
        const wrong = policy.verify?.(session.socket)
        policy.note?.(wrong ?? { kind: 'success' })
        if (wrong && policy.required) throw new Trouble(wrong.why, { policy: true })
    }

    async begin_tls(session, policy) {
        try {
            return await session.starttls(policy.options)
        } catch (err) {
            if (!err.handshake) throw err
            policy.note?.({ kind: 'validation-failure', why: `TLS failed: ${err.message}` })
            if (policy.required) throw new Trouble(`TLS failed: ${err.message}`, { policy: true })
            throw err
        }
    }

    // One mail over a session; false if a kept session turned out closed before it said anything of this mail.
    async transact(session, mx, host) {
        const { hosts } = this.env
        const reused = session.mails > 0
        session.mails += 1
        this.answered = false
        try {
            if (await this.mail_over(session, mx)) hosts.keep(host, session)
            else session.close()
        } catch (err) {
            session.abort()
            if (err instanceof TooLong) return this.unconvertible(mx, err)
            if (!(err instanceof Trouble)) throw err
            if (reused && !this.answered) return false
            this.taken = err.taken
            this.defer(mx, `${named(mx)}: ${err.message}`)
        }
        return true
    }

    // MAIL to the final dot, in one go where the server takes PIPELINING (RFC 2920); whether it ended in order.
    async mail_over(session, mx) {
        const recipients = [...this.pending]
        const commands = [this.mail_command(session), ...recipients.map((each) => `RCPT TO:${each.format(true)}`), 'DATA']
        const at_once = session.extensions.has('PIPELINING')
        const { command, data } = session.timing
        const say = (line, seconds = command) =>
            at_once ? session.reply(seconds, line.split(/[ :]/)[0]) : session.command(line, seconds)

        if (at_once) session.write(commands.map((line) => `${line}\r\n`).join(''))
        const mail = await say(commands[0])
        this.answered = true
        const accepted = []
        for (const [index, recipient] of recipients.entries()) {
            const its = at_once || positive(mail) ? await say(commands[index + 1]) : mail
            if (positive(mail) && positive(its)) accepted.push(recipient)
            else this.answer(session, mx, recipient, positive(mail) ? its : mail)
        }
        if (!at_once && !accepted.length) return false
        const go = await say('DATA', data)
        if (go.code !== '354') {
            for (const recipient of accepted) this.answer(session, mx, recipient, go)
            return false
        }
        const end = await session.message(accepted.length ? await this.content(session) : [])
        for (const recipient of accepted) this.answer(session, mx, recipient, end, positive(end))
        return accepted.length > 0 && end.code !== '421'
    }

    mail_command(session) {
        const { from, size, body } = this.mail
        const offered = (name) => session.extensions.has(name)
        const declared = offered('8BITMIME') && body ? ` BODY=${body}` : ''
        return `MAIL FROM:${from.format(true)}${offered('SIZE') ? ` SIZE=${size}` : ''}${declared}`
    }

    async content(session) {
        if (session.extensions.has('8BITMIME')) return this.mail.open()
        if (!(await eight_bit(this.mail.open()))) return this.mail.open()
        const parts = await eight_bit_parts(this.mail.open())
        return parts.size ? converted(this.mail.open(), parts) : this.mail.open()
    }

    // The connection has ended amid DATA, so this host has nothing of it.
    unconvertible(mx, { message }) {
        const reason = `${named(mx)} takes no 8-bit mail, and this one cannot be converted: ${message}`
        for (const recipient of this.pending) this.results.set(recipient, { action: 'failed', mx, reason, status: '5.6.3' })
        this.pending.clear()
        return true
    }

    // `delivered` is told by who has sent the message: a 2xx to anything else (DATA) is no answer at all.
    answer(session, mx, recipient, reply, delivered = false) {
        const final = reply.code[0] === '5' && !(mx.smarthost && ABOUT_LOGIN.includes(reply.code))
        const action = delivered ? 'delivered' : final ? 'failed' : 'delayed'
        if (action !== 'delayed') this.pending.delete(recipient)
        const said = delivered || /^[45]/.test(reply.code) ? { reply } : {}
        this.results.set(recipient, { action, mx, ...said, reason: `${named(mx)}: ${reply.text}`, secured: session.secured })
    }

    // What a host says of itself: for those of whom none has spoken yet.
    defer(mx, reason, reply) {
        for (const recipient of this.pending) {
            if (this.results.get(recipient)?.secured !== undefined) continue
            this.results.set(recipient, { action: 'delayed', mx, reply, reason })
        }
    }
}

function positive(reply) {
    return reply.code[0] === '2'
}

// For people: the name and, where it was looked up, the address.
function named({ exchange, from_dns }) {
    return from_dns && from_dns !== exchange ? `${from_dns}[${exchange}]` : exchange
}

function fit(mx, policy) {
    return `${mx.from_dns} ${policy.key ?? Boolean(policy.required)}`
}

module.exports = { Attempt }
