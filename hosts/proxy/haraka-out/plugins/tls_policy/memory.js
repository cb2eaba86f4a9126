// Small facts on disk: which servers had DANE, and the counts for TLS-RPT.

const fs = require('node:fs/promises')
const path = require('node:path')

const DAY = 86_400_000 // milliseconds
const DAYS = 30
const MOST_NAMES = 10_000 // servers remembered, and domains counted a day; beyond, only those there already
const MOST_FAILURES = 20 // kinds, of a policy and day
const SAVED_AFTER = 10_000 // milliseconds

// Names that had something within the last 30 days: an empty file for each in `folder`.
class Known {
    constructor(folder) {
        this.folder = folder
        this.fresh = new Map() // name → when it was last written
    }

    async add(name) {
        if (Date.now() - (this.fresh.get(name) ?? -Infinity) < DAY) return
        this.fresh.delete(name)
        if (this.fresh.size >= MOST_NAMES) return
        this.fresh.set(name, Date.now())
        await fs.mkdir(this.folder, { recursive: true, mode: 0o700 }).catch(() => {})
        await fs.writeFile(this.place(name), '').catch(() => this.fresh.delete(name))
    }

    async remove(name) {
        this.fresh.delete(name)
        await fs.rm(this.place(name), { force: true }).catch(() => {})
    }

    async has(name) {
        const stats = await fs.stat(this.place(name)).catch(() => null)
        return stats !== null && Date.now() - stats.mtimeMs < DAYS * DAY
    }

    async tidy() {
        for (const [name, when] of this.fresh) if (Date.now() - when >= DAY) this.fresh.delete(name)
        for (const file of await fs.readdir(this.folder).catch(() => [])) {
            const name = decodeURIComponent(file)
            if (!(await this.has(name))) await this.remove(name)
        }
    }

    place(name) {
        return path.join(this.folder, encodeURIComponent(name))
    }
}

// How sessions went, by day (UTC), domain and policy, in the words of RFC 8460: a file YYYY-MM-DD.json in `folder`.
class Counts {
    constructor(folder, now = Date.now) {
        this.folder = folder
        this.now = now
        this.day = null
        this.domains = {}
        this.timer = null
    }

    // One session: `failure` is { type, mx, ip, reason }, or null where all was well.
    async count(domain, policy, failure) {
        await this.turn(new Date(this.now()).toISOString().slice(0, 10))
        if (!(domain in this.domains) && Object.keys(this.domains).length >= MOST_NAMES) return
        const { type, text } = described(policy)
        const policies = (this.domains[domain] ??= {})
        const entry = (policies[type] ??= { policy: text, successful: 0, failed: 0, failures: [] })
        entry.policy = text
        if (failure) note_failure(entry, failure)
        else entry.successful += 1
        this.timer ??= setTimeout(() => this.save(), SAVED_AFTER).unref()
    }

    // Everything to disk.
    async save() {
        clearTimeout(this.timer)
        this.timer = null
        if (!this.day) return
        const place = this.place(this.day)
        await fs.mkdir(this.folder, { recursive: true, mode: 0o700 })
        await fs.writeFile(`${place}.new`, JSON.stringify(this.domains, null, 1))
        await fs.rename(`${place}.new`, place)
    }

    async turn(day) {
        if (day === this.day) return
        const old = this.day
        if (old) await this.save().catch(() => {})
        const text = await fs.readFile(this.place(day), 'utf8').catch(() => '{}')
        if (this.day !== old) return // another session was first
        this.domains = read_counts(text)
        this.day = day
        await this.tidy()
    }

    async tidy() {
        const oldest = new Date(this.now() - DAYS * DAY).toISOString().slice(0, 10)
        const files = await fs.readdir(this.folder).catch(() => [])
        for (const file of files) {
            if (file < oldest) await fs.rm(path.join(this.folder, file), { force: true })
        }
    }

    place(day) {
        return path.join(this.folder, `${day}.json`)
    }
}

function read_counts(text) {
    try {
        return { __proto__: null, ...JSON.parse(text) }
    } catch {
        return { __proto__: null }
    }
}

function described(policy) {
    const of = policy.kind === 'refuse' ? policy.of : policy.kind
    if (of === 'dane' || of === 'encrypt') return { type: 'tlsa', text: policy.text ?? [] }
    if (of === 'sts') return { type: 'sts', text: policy.patterns }
    return { type: 'no-policy-found', text: [] }
}

function note_failure(entry, { type, mx, ip, reason }) {
    entry.failed += 1
    const same = entry.failures.find((other) => other.type === type && other.mx === mx && other.ip === ip)
    if (same) same.count += 1
    else if (entry.failures.length < MOST_FAILURES) entry.failures.push({ type, mx, ip, reason, count: 1 })
}

module.exports = { Counts, Known }
