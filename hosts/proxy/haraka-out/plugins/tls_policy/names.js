// Asks a validating resolver on this machine, and says what it vouches for (the AD bit), which node:dns does not tell.
//
// The bit is worth something only because nobody sits between us and the resolver: it must be on loopback
// (RFC 7672 2.1.3). Nothing is validated here.

const crypto = require('node:crypto')
const dgram = require('node:dgram')
const net = require('node:net')
const { domainToASCII } = require('node:url')

const TYPES = { A: 1, NS: 2, CNAME: 5, MX: 15, TXT: 16, AAAA: 28, TLSA: 52 }
const OPT = 41
const UDP_SIZE = 1232 // bytes, as the DNS flag day of 2020 has it
const RESPONSE = 0x8000
const TRUNCATED = 0x0200
const RECURSION = 0x0100
const AUTHENTIC = 0x0020
const RCODES = { 0: 'NOERROR', 2: 'SERVFAIL', 3: 'NXDOMAIN', 5: 'REFUSED' }
const KEPT_MOST = 300 // seconds: longer lives are the resolver's business
const KEPT_NOTHING = 60
const KEPT_FAILURE = 5
const DOWN = 60 // seconds in which a resolver that reaches nothing is not asked again
const MOST_ANSWERS = 10_000
const POINTERS_MOST = 64

class LookupError extends Error {
    constructor(name, type, code) {
        super(`${name} ${type}: ${code}`)
        this.code = code
    }
}

// ---- messages ------------------------------------------------------------------------------------------------------

function encode_name(name) {
    const labels = name.split('.').filter((label) => label !== '')
    const parts = labels.map((label) => {
        const bytes = Buffer.from(label, 'latin1')
        if (bytes.length > 63) throw new LookupError(name, 'name', 'LABEL TOO LONG')
        return Buffer.concat([Buffer.from([bytes.length]), bytes])
    })
    return Buffer.concat([...parts, Buffer.from([0])])
}

function encode_query(id, name, type) {
    const header = Buffer.alloc(12)
    header.writeUInt16BE(id, 0)
    header.writeUInt16BE(RECURSION | AUTHENTIC, 2) // AD in a question asks for AD in the answer (RFC 6840 5.7)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(1, 10)
    const question = Buffer.alloc(4)
    question.writeUInt16BE(TYPES[type], 0)
    question.writeUInt16BE(1, 2)
    const edns = Buffer.alloc(11)
    edns.writeUInt16BE(OPT, 1)
    edns.writeUInt16BE(UDP_SIZE, 3)
    return Buffer.concat([header, encode_name(name), question, edns])
}

// The name at `offset`, lower case and without its last dot, and where it ends.
function decode_name(message, offset) {
    const labels = []
    let end = null
    let pointers = 0
    for (;;) {
        const length = message.readUInt8(offset)
        if (length >= 0xc0) {
            end ??= offset + 2
            offset = message.readUInt16BE(offset) & 0x3fff
            if (++pointers > POINTERS_MOST) throw new RangeError('a loop of pointers')
        } else if (length > 63) {
            throw new RangeError('a label of an unknown kind')
        } else if (length === 0) {
            return { name: labels.join('.').toLowerCase(), end: end ?? offset + 1 }
        } else {
            if (offset + 1 + length > message.length) throw new RangeError('a label beyond the end')
            labels.push(message.toString('latin1', offset + 1, offset + 1 + length))
            offset += 1 + length
        }
    }
}

function decode_texts(bytes) {
    const texts = []
    for (let at = 0; at < bytes.length; at += 1 + bytes[at]) {
        texts.push(bytes.toString('latin1', at + 1, at + 1 + bytes[at]))
    }
    return texts.join('')
}

function decode_ipv6(bytes) {
    const groups = []
    for (let at = 0; at < 16; at += 2) groups.push(bytes.readUInt16BE(at).toString(16))
    return new net.SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

function decode_data(message, type, start, end) {
    const bytes = message.subarray(start, end)
    switch (type) {
        case TYPES.A:
            return bytes.subarray(0, 4).join('.')
        case TYPES.AAAA:
            return decode_ipv6(bytes)
        case TYPES.MX:
            return { priority: bytes.readUInt16BE(0), exchange: decode_name(message, start + 2).name }
        case TYPES.TXT:
            return decode_texts(bytes)
        case TYPES.TLSA:
            return { usage: bytes[0], selector: bytes[1], matching: bytes[2], data: Buffer.from(bytes.subarray(3)) }
        case TYPES.CNAME:
        case TYPES.NS:
            return decode_name(message, start).name
    }
    return null
}

function decode_record(message, offset) {
    const { name, end } = decode_name(message, offset)
    const type = message.readUInt16BE(end)
    const start = end + 10
    const next = start + message.readUInt16BE(end + 8)
    if (next > message.length) throw new RangeError('a record beyond the end')
    return { record: { name, type, ttl: message.readUInt32BE(end + 4), data: decode_data(message, type, start, next) }, next }
}

// An answer's code, whether the resolver vouches for it, and the records of its answer section.
function decode_answer(message) {
    const flags = message.readUInt16BE(2)
    let offset = decode_name(message, 12).end + 4
    const records = []
    for (let left = message.readUInt16BE(6); left > 0; left--) {
        const { record, next } = decode_record(message, offset)
        records.push(record)
        offset = next
    }
    return { code: RCODES[flags & 0xf] ?? `RCODE ${flags & 0xf}`, secure: Boolean(flags & AUTHENTIC), records }
}

// Whether `message` answers this very question (RFC 5452).
function answers(message, query) {
    if (message.length < 12 || !(message.readUInt16BE(2) & RESPONSE)) return false
    if (message.readUInt16BE(0) !== query.readUInt16BE(0) || message.readUInt16BE(4) !== 1) return false
    const asked = decode_name(query, 12)
    const echoed = decode_name(message, 12)
    const type_and_class = (bytes, end) => bytes.toString('hex', end, end + 4)
    return asked.name === echoed.name && type_and_class(query, asked.end) === type_and_class(message, echoed.end)
}

// ---- the resolver --------------------------------------------------------------------------------------------------

// `server` is "address" or "address:port" (IPv4); `seconds` is the patience with one question, in all.
class Names {
    constructor(server, seconds = 10) {
        const [address, port] = server.split(':')
        this.address = address
        this.port = Number(port ?? 53)
        this.seconds = seconds
        this.kept = new Map() // "name type" → { until, answer: a promise }
        this.down_until = 0
    }

    // What there is under a name: `records` of that type (data, ttl), whether the whole answer is `secure`, and whether
    // the name is an `alias` and of what. Nothing there is an answer too. Throws LookupError where there is none.
    lookup(name, type) {
        const key = `${name.toLowerCase()} ${type}`
        const old = this.kept.get(key)
        if (old && Date.now() < old.until) return old.answer
        const answer = this.ask(name, type)
        const entry = { until: Infinity, answer }
        const keep = (seconds) => (entry.until = Date.now() + seconds * 1000)
        answer.then(({ records }) => keep(life(records)), () => keep(KEPT_FAILURE))
        this.kept.delete(key)
        this.kept.set(key, entry)
        if (this.kept.size > MOST_ANSWERS) this.kept.delete(this.kept.keys().next().value)
        return answer
    }

    async ask(name, type) {
        if (Date.now() < this.down_until) throw new LookupError(name, type, 'THE RESOLVER IS DOWN')
        const query = encode_query(crypto.randomInt(65536), name, type)
        let answer
        try {
            const message = await this.exchange(query)
            answer = decode_answer(message)
        } catch (err) {
            throw new LookupError(name, type, err instanceof RangeError ? 'MALFORMED' : (err.code ?? err.message))
        }
        const { code, secure } = answer
        if (code !== 'NOERROR' && code !== 'NXDOMAIN') throw new LookupError(name, type, code)
        const aliases = answer.records.filter((record) => record.type === TYPES.CNAME).map(({ data }) => data)
        const records = answer.records.filter((record) => record.type === TYPES[type])
        return { exists: code === 'NOERROR', secure, records, alias: type === 'CNAME' ? null : (aliases.at(-1) ?? null) }
    }

    async exchange(query) {
        const deadline = Date.now() + this.seconds * 1000
        const first = await this.over_udp(query, deadline)
        return first.readUInt16BE(2) & TRUNCATED ? this.over_tcp(query, deadline) : first
    }

    over_udp(query, deadline) {
        return new Promise((resolve, reject) => {
            const socket = dgram.createSocket('udp4')
            const send = () => socket.send(query)
            const again = setInterval(send, 2000) // a datagram may be lost even here, where the resolver is busy
            const timer = setTimeout(() => end(reject, new Error('TIMEOUT')), deadline - Date.now())
            const end = (how, what) => {
                clearInterval(again)
                clearTimeout(timer)
                socket.close()
                how(what)
            }
            socket.on('error', (err) => end(reject, err))
            socket.on('message', (message) => {
                if (matches(message, query)) end(resolve, message)
            })
            socket.connect(this.port, this.address, send)
        })
    }

    over_tcp(query, deadline) {
        return new Promise((resolve, reject) => {
            const socket = net.connect({ host: this.address, port: this.port })
            const timer = setTimeout(() => end(reject, new Error('TIMEOUT')), Math.max(0, deadline - Date.now()))
            let received = Buffer.alloc(0)
            const end = (how, what) => {
                clearTimeout(timer)
                socket.destroy()
                how(what)
            }
            const length = Buffer.alloc(2)
            length.writeUInt16BE(query.length)
            socket.on('connect', () => socket.write(Buffer.concat([length, query])))
            socket.on('error', (err) => end(reject, err))
            socket.on('close', () => end(reject, new Error('CLOSED')))
            socket.on('data', (data) => {
                received = Buffer.concat([received, data])
                if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
                const message = received.subarray(2, 2 + received.readUInt16BE(0))
                if (matches(message, query)) end(resolve, message)
                else end(reject, new Error('ANOTHER ANSWER'))
            })
        })
    }

    // Whether the resolver validates and reaches the root at all. Where it does not (a network without port 53), what
    // it says and what it fails to find are no news about a domain: some names it answers by itself, as none.
    async works() {
        const works = await this.lookup('.', 'NS').then(({ secure }) => secure, () => false)
        if (!works && Date.now() >= this.down_until) this.down_until = Date.now() + DOWN * 1000
        return works
    }
}

// The questions of node:dns that `deliveries` asks, answered by a Names; by `other` where that works for nobody.
class Resolver {
    constructor(names, other, warn) {
        Object.assign(this, { names, other, warn, warned: 0 })
        this.lookup = this.lookup.bind(this)
    }

    async resolveMx(name) {
        return await this.records(name, 'MX', () => this.other.resolveMx(name))
    }

    async resolve4(name) {
        return await this.records(name, 'A', () => this.other.resolve4(name))
    }

    async resolve6(name) {
        return await this.records(name, 'AAAA', () => this.other.resolve6(name))
    }

    async records(name, type, otherwise) {
        if (!(await this.names.works())) {
            if (Date.now() - this.warned > DOWN * 1000) {
                this.warned = Date.now()
                this.warn()
            }
            return await otherwise()
        }
        const { exists, records } = await this.names.lookup(ascii(name), type)
        if (records.length) return records.map(({ data }) => data)
        throw Object.assign(new Error(`${name} ${type}: none`), { code: exists ? 'ENODATA' : 'ENOTFOUND' })
    }

    // As node:net and node:https want it.
    lookup(host, options, callback) {
        Promise.allSettled([this.resolve4(host), this.resolve6(host)]).then(([four, six]) => {
            const of = ({ value = [] }, family) => value.map((address) => ({ address, family }))
            const found = [...of(four, 4), ...of(six, 6)]
            if (!found.length) return callback(four.reason)
            if (options.all) callback(null, found)
            else callback(null, found[0].address, found[0].family)
        })
    }
}

function ascii(name) {
    return domainToASCII(name) || name
}

function life(records) {
    return records.length ? Math.min(KEPT_MOST, ...records.map(({ ttl }) => ttl)) : KEPT_NOTHING
}

function matches(message, query) {
    try {
        return answers(message, query)
    } catch {
        return false
    }
}

module.exports = { LookupError, Names, Resolver, answers, decode_answer, encode_query }
