// A mail from its queue file to where it belongs: to receivers, back into the queue, or to its sender as a bounce.

const { Attempt } = require('./attempt')
const { elsewhere, route, within_reach, NoRoute } = require('./mx')
const { pending } = require('./queue_files')
const { report } = require('./report')

// `env`: files, is_home, routes(hmail) → addresses or undefined, port, load(file, read) → hmail,
// intervals (seconds), later(file, domain, seconds), queue_report(todo, message), ids, hosts, timing, hello, log, and
// unmarked: file → who still waits, where that could not be written.
class Delivery {
    constructor(file, slot, env) {
        Object.assign(this, { file, slot, env })
    }

    async run() {
        const { env, file } = this
        let read
        try {
            read = await env.files.read(file)
        } catch (err) {
            if (err.code === 'ENOENT') return
            if (!(err instanceof SyntaxError)) return env.later(file, '', env.intervals[0])
            env.log.error(`${file} cannot be read, and is set aside: ${err.message}`)
            return await env.files.set_aside(file)
        }
        this.hmail = env.load(file, read)
        this.start = read.start
        this.size = read.size - read.start
        this.open = env.unmarked.get(file) ?? pending(read.todo)
        this.unmarked = env.unmarked.delete(file)
        if (!this.waiting.length) return await this.remove()
        await this.settle(await this.attempt())
    }

    get waiting() {
        return this.hmail.todo.rcpt_to.filter((_, index) => this.open[index])
    }

    async attempt() {
        const { env, hmail } = this
        const { todo } = hmail
        const all = (result) => new Map(this.waiting.map((recipient) => [recipient, result]))
        const mail = {
            from: todo.mail_from,
            recipients: this.waiting,
            body: todo.notes.body,
            size: this.size,
            open: () => env.files.message(this.file, this.start),
        }
        let attempt
        try {
            const found = (await env.routes(hmail)) ?? (await route(todo.domain, hmail.resolver))
            const usable = within_reach(elsewhere(found, todo.domain, env.is_home))
            attempt = new Attempt(mail, (mx) => hmail.tls_policy(mx), this.slot, env)
            const results = await attempt.run(usable.map((mx) => ({ port: env.port, ...mx })))
            return results.size ? results : all({ action: 'delayed', reason: 'no server was tried', status: '4.4.1' })
        } catch (err) {
            const known = err instanceof NoRoute
            if (!known) hmail.logerror(`the attempt failed: ${err.stack}`)
            const action = known && err.final ? 'failed' : 'delayed'
            const others = all({ action, reason: err.message, status: err.status })
            return new Map([...others, ...(attempt?.results ?? [])]) // who has an answer keeps it
        }
    }

    // In this order nothing is lost, and a crash between two steps repeats a bounce at worst.
    async settle(results) {
        this.tell(results)
        const with_action = (action) => [...results].filter(([, result]) => result.action === action)
        if (with_action('delivered').length === this.waiting.length) return await this.remove()
        const failures = this.hmail.num_failures + 1
        const given_up = failures > this.env.intervals.length ? with_action('delayed') : []
        await this.done(with_action('delivered'))
        const bounced = [...with_action('failed'), ...given_up]
        if (bounced.length && (await this.bounce(bounced))) await this.done(bounced)
        if (!this.waiting.length) return await this.remove()
        const seconds = this.env.intervals[Math.min(failures, this.env.intervals.length) - 1]
        await this.postpone(seconds, failures)
    }

    async done(entries) {
        if (!entries.length) return
        const { rcpt_to } = this.hmail.todo
        for (const [recipient] of entries) this.open[rcpt_to.indexOf(recipient)] = false
        if (this.waiting.length) await this.mark() // else the file goes
    }

    async mark() {
        try {
            await this.env.files.mark(this.file, this.open.map((each) => !each))
            this.unmarked = false
        } catch (err) {
            this.unmarked = true
            this.hmail.logerror(`recipients cannot be marked: ${err.message}`)
        }
    }

    async postpone(seconds, failures) {
        if (this.unmarked) await this.mark()
        let name = this.file
        try {
            name = await this.env.files.postpone(this.file, Date.now() + seconds * 1000, failures)
        } catch (err) {
            if (err.code === 'ENOENT') return
            this.hmail.logerror(`cannot be renamed for its next attempt: ${err.message}`)
        }
        if (this.unmarked) this.env.unmarked.set(name, this.open)
        this.env.later(name, this.hmail.todo.domain, seconds)
    }

    // Nobody waits for it any more. On a disk that became read-only it stays, and must not be delivered again.
    async remove() {
        const { env, file, hmail } = this
        try {
            await env.files.remove(file)
        } catch (err) {
            hmail.logerror(`${file} is done with and cannot be removed: ${err.message}`)
            env.unmarked.set(file, hmail.todo.rcpt_to.map(() => false))
            env.later(file, hmail.todo.domain, env.intervals[0])
        }
    }

    // Whether the sender's report is queued (or there is nobody to send one to).
    async bounce(entries) {
        const { env, hmail } = this
        const { mail_from, queue_time } = hmail.todo
        const reasons = entries.map(([recipient, { reason }]) => `${recipient.format()}: ${reason}`).join(', ')
        if (!mail_from.user) {
            hmail.lognotice(`a bounce cannot be delivered and is dropped: ${reasons}`)
            return true
        }
        hmail.lognotice(`bounced: ${reasons}`)
        const failures = entries.map(([recipient, result]) => ({ recipient, result }))
        const [sender, queued, now] = [mail_from.format(true).slice(1, -1), queue_time, Date.now()]
        const facts = { me: env.hello, id: env.ids(), boundary: `report_${env.ids()}`, now, queued, sender }
        try {
            await env.queue_report(mail_from, await report(failures, facts, env.files.message(this.file, this.start)))
            return true
        } catch (err) {
            hmail.logerror(`its bounce cannot be queued, the mail is kept: ${err.message}`)
            return false
        }
    }

    tell(results) {
        const { hmail } = this
        const delivered = [...results].filter(([, { action }]) => action === 'delivered')
        for (const [recipient, { action, reason }] of results) {
            if (action !== 'delivered') hmail.lognotice(`${recipient.format()} ${action}: ${reason}`)
        }
        if (!delivered.length) return
        const [, { mx, reply, secured }] = delivered[0]
        hmail.lognotice({
            'delivered file': this.file,
            domain: hmail.todo.domain,
            host: mx.from_dns || mx.exchange,
            ip: mx.exchange,
            port: mx.port,
            tls: secured ? 'Y' : 'N',
            response: reply.text,
            delay: (Date.now() - hmail.todo.queue_time) / 1000,
            fails: hmail.num_failures,
            rcpts: `${delivered.length}/${results.size}`,
        })
    }
}

module.exports = { Delivery }
