// MTA-STS (RFC 8461): what a domain says about its mail servers over HTTPS, kept on disk for as long as it says.

const fs = require('node:fs/promises')
const https = require('node:https')
const path = require('node:path')

const SIZE_MOST = 64 * 1024 // bytes, as RFC 8461 3.3 proposes
const FETCH_SECONDS = 10
const FETCH_AGAIN = 300 // seconds after a fetch that failed (RFC 8461 3.3)
const REFRESH = 86_400 // seconds: an older policy is fetched anew, so that it does not end while the domain has one
const MAX_AGE_MOST = 31_557_600 // seconds, a year
const PATTERN = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9-]{1,63}$/i
const DOMAIN = /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9-]{1,63}$/ // a file's name, too
const MODES = ['enforce', 'testing', 'none']
const MOST_FAILED = 10_000

class PolicyError extends Error {
    constructor(message, type) {
        super(message)
        this.type = type // of RFC 8460 4.3
    }
}

// The id in the TXT records of _mta-sts.DOMAIN, or null. Two policies are none (RFC 8461 3.1).
function record_id(texts) {
    const records = texts.filter((text) => /^v=STSv1\s*;/.test(text))
    if (records.length !== 1) return null
    const fields = records[0].split(';').map((field) => field.trim())
    const id = fields.map((field) => /^id\s*=\s*([a-z0-9]{1,32})$/i.exec(field)?.[1]).find(Boolean)
    return id ?? null
}

// A policy's text as { mode, mx: patterns, max_age: seconds }. Throws PolicyError.
function parse(text) {
    const first = {}
    const mx = []
    for (const line of text.split(/\r?\n/)) {
        const [, key, value] = /^\s*([a-z0-9][a-z0-9_.-]{0,31})\s*:\s*(.*?)\s*$/i.exec(line) ?? []
        if (key === undefined) continue
        if (key === 'mx') mx.push(value.toLowerCase().replace(/\.$/, ''))
        else first[key] ??= value
    }
    const invalid = (what) => new PolicyError(`the policy ${what}`, 'sts-policy-invalid')
    if (first.version !== 'STSv1') throw invalid('is not of version STSv1')
    if (!MODES.includes(first.mode)) throw invalid(`has no mode that is known: ${first.mode}`)
    if (!/^\d{1,10}$/.test(first.max_age ?? '')) throw invalid('has no max_age')
    if (first.mode !== 'none' && !mx.length) throw invalid('names no mx')
    if (!mx.every((pattern) => PATTERN.test(pattern))) throw invalid(`has an mx that is no name: ${mx.join(' ')}`)
    return { mode: first.mode, mx, max_age: Math.min(Number(first.max_age), MAX_AGE_MOST) }
}

// Whether a mail server's name is one of the patterns; a star stands for one label (RFC 8461 4.1).
function covers(patterns, host) {
    const name = host.toLowerCase()
    return patterns.some((pattern) =>
        pattern.startsWith('*.') ? name.replace(/^[^.]+/, '*') === pattern : name === pattern,
    )
}

// The text at https://mta-sts.DOMAIN/.well-known/mta-sts.txt. `ca` are the roots to trust (PEM), none: Node's own;
// `lookup` resolves names as node:net wants it. No redirect is followed (RFC 8461 3.3).
function fetch_text(domain, { ca, lookup, port = 443, seconds = FETCH_SECONDS }) {
    const host = `mta-sts.${domain}`
    return new Promise((resolve, reject) => {
        const fail = (why, type = 'sts-policy-fetch-error') => reject(new PolicyError(`https://${host}: ${why}`, type))
        const request = https.get({
            host, port, ca, lookup, servername: host, agent: false, minVersion: 'TLSv1.2',
            path: '/.well-known/mta-sts.txt', signal: AbortSignal.timeout(seconds * 1000),
            headers: { Accept: 'text/plain', 'User-Agent': 'mailnix' },
        })
        request.on('error', (err) => {
            const untrusted = /CERT|SELF_SIGNED|ISSUER|SIGNATURE/.test(err.code ?? '')
            fail(err.name === 'TimeoutError' || err.name === 'AbortError' ? `nothing within ${seconds} s` : err.message,
                untrusted ? 'sts-webpki-invalid' : undefined)
        })
        request.on('response', (response) => {
            const type = response.headers['content-type'] ?? ''
            const parts = []
            let size = 0
            const refuse = (why) => (fail(why), request.destroy())
            if (response.statusCode !== 200) return refuse(`answers ${response.statusCode}`)
            if (!/^text\/plain\s*(;|$)/i.test(type)) return refuse(`is ${type || 'of no type'}, not text/plain`)
            response.on('data', (part) => {
                size += part.length
                if (size > SIZE_MOST) refuse(`is larger than ${SIZE_MOST} bytes`)
                else parts.push(part)
            })
            response.on('error', (err) => fail(err.message))
            response.on('end', () => resolve(Buffer.concat(parts).toString('utf8')))
        })
    })
}

// Policies by domain: asked for as often as the domain's TXT record changes, on disk in `folder`.
// `names` is a Names; `fetch` takes a domain; `note` is told a PolicyError with its domain.
class Policies {
    constructor({ folder, names, fetch, note }) {
        this.folder = folder
        this.names = names
        this.fetch = fetch
        this.note = note
        this.failed = new Map() // domain → when
        this.fetching = new Map() // domain → promise
    }

    // The policy of a domain, or null: none, or mode none.
    async of(domain) {
        if (!DOMAIN.test(domain)) return null
        const kept = await this.read(domain)
        const id = await this.id_of(domain)
        if (id === null || (kept && kept.id === id)) {
            // No record, or none that could be read, takes nothing back (RFC 8461 5.1)
            if (kept && id !== null && age(kept) > Math.min(REFRESH, kept.policy.max_age / 2)) this.renew(domain, id)
            return applied(kept)
        }
        return applied((await this.renew(domain, id)) ?? kept)
    }

    async id_of(domain) {
        try {
            const { records } = await this.names.lookup(`_mta-sts.${domain}`, 'TXT')
            return record_id(records.map(({ data }) => data))
        } catch {
            return null
        }
    }

    renew(domain, id) {
        if (Date.now() - (this.failed.get(domain) ?? -Infinity) < FETCH_AGAIN * 1000) return Promise.resolve(null)
        const running = this.fetching.get(domain)
        if (running) return running
        const work = this.fetch_and_keep(domain, id).finally(() => this.fetching.delete(domain))
        this.fetching.set(domain, work)
        return work
    }

    async fetch_and_keep(domain, id) {
        try {
            const entry = { id, fetched: Date.now(), policy: parse(await this.fetch(domain)) }
            await this.write(domain, entry).catch((err) => this.note(domain, err)) // it counts all the same
            return entry
        } catch (err) {
            this.failed.delete(domain)
            this.failed.set(domain, Date.now())
            if (this.failed.size > MOST_FAILED) this.failed.delete(this.failed.keys().next().value)
            this.note(domain, err)
            return null
        }
    }

    async read(domain) {
        try {
            const entry = JSON.parse(await fs.readFile(this.place(domain), 'utf8'))
            return age(entry) < entry.policy.max_age ? entry : null
        } catch {
            return null // none, or not whole: it is fetched anew
        }
    }

    async write(domain, entry) {
        await fs.mkdir(this.folder, { recursive: true, mode: 0o700 })
        const place = this.place(domain)
        await fs.writeFile(`${place}.new`, JSON.stringify(entry))
        await fs.rename(`${place}.new`, place)
    }

    // Removes what is over.
    async tidy() {
        const files = await fs.readdir(this.folder).catch(() => [])
        for (const file of files) {
            const domain = file.replace(/\.json$/, '')
            if (!(await this.read(domain))) await fs.rm(path.join(this.folder, file), { force: true })
        }
    }

    place(domain) {
        return path.join(this.folder, `${domain}.json`)
    }
}

function age(entry) {
    return (Date.now() - entry.fetched) / 1000
}

function applied(entry) {
    return entry && entry.policy.mode !== 'none' ? entry.policy : null
}

module.exports = { Policies, PolicyError, covers, fetch_text, parse, record_id }
