// What leaves is what came in, byte for byte, but for the one Received line in front that connection.ini asks for; what
// cannot be handed on whole is refused whole.
//
// Haraka 3.3.4 takes a message line by line, keeps the header as JavaScript strings, and builds it anew from them:
// lines after max_lines are dropped, bytes above 127 become others, fields with strange names vanish, missing ones
// are added, a long line is folded, and whole headers of every session are in the heap. So here bytes go from the
// socket to "message_store" as they are, and of the header we keep only what Haraka asks for: how many Received lines
// there are, and the Message-ID for the log.
//
// Refused are: a bare LF (smuggling), as in Haraka; a message or a header that is too large; a message that the disk
// had no room for.

const DSN = require('haraka-dsn')

const [LF, CR, STOP] = [0x0a, 0x0d, 0x2e]
const LINE_SEEN = 512 // bytes of a header line that we look at
const FIELD = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:[ \t]*(.*)/

const TOO_LARGE = DSN.create(552, 'The message is too large', 3, 4)
const HEADER_TOO_LARGE = DSN.create(552, 'The header of the message is too large', 3, 4)
const DISK_FULL = DSN.create(452, 'No room for the message right now, try again later', 3, 1)

const heads = new WeakMap() // of transactions; not in their notes, which go into queue files
const places = new WeakMap() // of transactions: where in a line their bytes have ended

exports.register = function () {
    const { header_bytes } = this.config.get('messages.ini').main
    keep_bytes(require('./transaction').Transaction, header_bytes) // "./" is Haraka's own folder
    take_bytes(require('./connection'))
    refuse_large(require('./connection'))
    this.register_hook('data_post', 'refuse')
}

exports.refuse = function (next, connection) {
    const { transaction } = connection
    const { failed } = transaction.message_stream
    if (heads.get(transaction)?.too_large) return next(DENY, HEADER_TOO_LARGE)
    if (!failed) return next()
    connection.logerror(this, `the message cannot be kept: ${failed.message}`)
    next(DENYSOFT, DISK_FULL)
}

// ---- what a transaction keeps -------------------------------------------------------------------------------------

function keep_bytes(Transaction, header_bytes) {
    Object.assign(Transaction.prototype, {
        add_data(bytes) {
            if (typeof bytes === 'string') bytes = Buffer.from(bytes, this.encoding)
            if (this.discard_data) return
            if (!heads.has(this)) heads.set(this, new Head(this.header, header_bytes))
            const head = heads.get(this)
            if (head.open) head.look_at(bytes)
            if (head.too_large) discard(this)
            else this.message_stream.add_line(bytes)
        },
        end_data(done) {
            this.message_stream.add_line_end(done)
        },
        // Haraka adds a Message-ID or a Date where there is none; a signature may say that there is none.
        add_header() {},
        add_leading_header() {},
        remove_header() {},
    })
}

function discard(transaction) {
    transaction.discard_data = true
    transaction.message_stream.destroy()
}

class Head {
    constructor(header, most) {
        this.fields = header.headers // where Haraka looks for them; header.header_list stays empty
        this.most = most
        this.open = true
        this.size = 0
        this.line = ''
    }

    get too_large() {
        return this.size > this.most
    }

    look_at(bytes) {
        for (let at = 0; this.open && at < bytes.length; ) {
            const lf = bytes.indexOf(LF, at)
            const end = lf === -1 ? bytes.length : lf + 1
            const more = Math.min(end - at, LINE_SEEN - this.line.length)
            if (more > 0) this.line += bytes.latin1Slice(at, at + more)
            this.size += end - at
            if (lf !== -1) this.ended(this.line)
            at = end
        }
    }

    // The first line that is no field and does not continue one is where the body begins, as in Postfix.
    ended(line) {
        this.line = ''
        if (/^[ \t]/.test(line)) return
        const [, name, value] = FIELD.exec(line) ?? []
        if (name === undefined) this.open = false
        else if (/^(received|message-id)$/i.test(name)) (this.fields[name.toLowerCase()] ??= []).push(value)
    }
}

// ---- how bytes come from a client ---------------------------------------------------------------------------------

function take_bytes({ Connection, cfg }) {
    const { DATA } = require('haraka-constants').connection.state
    const { process_line, _process_data } = Connection.prototype

    Connection.prototype._process_data = function () {
        if (this.state === DATA) take(this, cfg.max.bytes)
        else _process_data.call(this)
    }
    Connection.prototype.process_line = function (line) {
        if (this.state !== DATA) return process_line.call(this, line)
        // a client that has not waited for 354, and Haraka, which has begun to cut its bytes into lines
        this.current_data = Buffer.concat([line, this.current_data ?? Buffer.alloc(0)])
        take(this, cfg.max.bytes)
    }
}

function take(connection, most) {
    const { transaction, current_data: bytes } = connection
    if (!bytes?.length) return
    const place = places.get(transaction) ?? { fresh: true, after_cr: false }
    places.set(transaction, place)

    const { count, end, bare } = scan(bytes, place)
    connection.current_data = bare ? null : bytes.subarray(end ? count + 3 : count)
    if (bare) return refuse_bare_lf(connection)
    transaction.data_bytes += count
    if (transaction.data_bytes > most) discard(transaction)
    else if (count) transaction.add_data(bytes.subarray(0, count))
    if (!end || transaction.message_stream.crowded) wait_for_room(connection)
    if (end) connection.data_done()
}

// How many bytes belong to the message; whether the dot comes then; whether an LF is bare. What may yet become the dot
// stays, and is seen again with what follows.
function scan(bytes, place) {
    let at = 0
    for (;;) {
        if (place.fresh && bytes[at] === STOP) {
            const next = bytes.subarray(at + 1, at + 3)
            if (next.length === 2 && next[0] === CR && next[1] === LF) return { count: at, end: true }
            if (next.length === 0 || (next.length === 1 && next[0] === CR)) return { count: at }
        }
        const lf = bytes.indexOf(LF, at)
        if (lf === -1) break
        if (lf === 0 ? !place.after_cr : bytes[lf - 1] !== CR) return { count: 0, bare: true }
        at = lf + 1
        place.fresh = true
        place.after_cr = false
        if (at === bytes.length) return { count: at }
    }
    place.fresh = false
    place.after_cr = bytes[bytes.length - 1] === CR
    return { count: bytes.length }
}

function refuse_bare_lf(connection) {
    connection.lognotice('Client sent bare line-feed inside DATA')
    connection.respond(451, 'Bare line-feed; see https://haraka.github.io/barelf/', () => connection.disconnect())
}

// Nor does it wait for others only: Node would take up to 2 MiB from each socket before it looks at the next one.
function wait_for_room(connection) {
    const { client, transaction } = connection
    const stream = transaction.message_stream
    client.pause()
    const go_on = () => {
        if (connection.transaction?.message_stream === stream) client.resume()
    }
    if (stream.crowded) stream.once('room', go_on)
    else setImmediate(go_on)
}

// ---- what is too large --------------------------------------------------------------------------------------------

function refuse_large({ Connection, cfg }) {
    const { cmd_mail } = Connection.prototype
    Connection.prototype.cmd_mail = function (line) {
        const size = /\bSIZE=(\d+)\b/i.exec(line.slice(line.lastIndexOf('>')))?.[1]
        if (this.hello.host && size > cfg.max.bytes) return this.respond(TOO_LARGE.code, TOO_LARGE)
        cmd_mail.call(this, line)
    }
    Connection.prototype.max_data_exceeded_respond = function () {
        this.respond(TOO_LARGE.code, TOO_LARGE, () => this.reset_transaction())
    }
}
