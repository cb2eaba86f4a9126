// Holds a message while it passes, as the bytes that came: small ones in memory, larger ones in a file, and all of them
// together in a bounded part of memory.
//
// It takes the place of haraka-message-stream. That one splits what it hands on into lines again (copying an unended
// line once for each block), builds the header anew from JavaScript strings (so bytes above 127 change), keeps up to
// 1,000 boundary-like lines of any length as strings (which end the heap), and holds up to `spool_after` bytes for
// every session, however many there are. So here is no line and no string, and where all messages together hold more
// than their share, each goes on through its file; who sends faster than the disk takes it, waits.

const { EventEmitter } = require('node:events')
const fs = require('node:fs/promises')
const path = require('node:path')

const BLOCK = 64 * 1024 // bytes
const WAITING = 4 // blocks that one message may have waiting for the disk before its sender waits too
const DOT = Buffer.from('.\r\n')

const settings = {}
let held = 0 // bytes of all messages in memory

exports.register = function () {
    Object.assign(settings, this.config.get('messages.ini').main)
    require('haraka-email-message').stream = MessageStore // where "./transaction" takes it from
}

class MessageStore extends EventEmitter {
    constructor(_config, id) {
        super()
        this.setMaxListeners(0)
        this.name = path.join(settings.spool_dir, `${path.basename(id)}.eml`)
        this.blocks = [] // those that no byte will be added to
        this.block = null // the one that grows
        this.used = 0 // bytes of it
        this.size = 0 // bytes in all
        this.file = null
        this.written = 0
        this.spooling = false
        this.ended = false
        this.complete = false
        this.failed = null // why its bytes are lost
    }

    // Haraka adds lines; any bytes will do.
    add_line(bytes) {
        if (typeof bytes === 'string') bytes = Buffer.from(bytes)
        while (bytes.length && !this.failed) {
            if (!this.block || this.used === BLOCK) this.next_block()
            const count = bytes.copy(this.block, this.used)
            this.used += count
            this.size += count
            bytes = bytes.subarray(count)
        }
        if (this.size > settings.spool_after || held > settings.memory) this.spooling = true
        if (this.spooling) this.write_out()
    }

    add_line_end(done) {
        if (done) this.whenever_complete(done)
        this.ended = true
        if (this.block) this.blocks.push(this.block.subarray(0, this.used))
        this.block = null
        if (this.spooling && !this.failed) this.write_out()
        else this.completed()
    }

    // Whether its sender should wait for 'room'.
    get crowded() {
        return this.spooling && !this.failed && this.blocks.length > (held > settings.memory ? 0 : WAITING)
    }

    // Hands the message on, as often as asked, and never an end without all that comes before it. Haraka's option
    // ending_dot adds the dot; stored is what came, so dots at the beginning of lines are doubled already.
    pipe(destination, { ending_dot = false, end = true, ...others } = {}) {
        if (!ending_dot && others.dot_stuffed !== false) throw new Error('only as it came: { dot_stuffed: false }')
        this.whenever_complete(async () => {
            try {
                for await (const piece of this.pieces()) await handed_on(destination, piece)
                if (ending_dot) await handed_on(destination, DOT)
                if (end) destination.end()
            } catch (err) {
                destination.destroy(err)
            }
        })
        return destination
    }

    destroy() {
        this.lose(new Error('the message was discarded'))
    }

    // ---- within --------------------------------------------------------------------------------------------------

    next_block() {
        if (this.block) this.blocks.push(this.block)
        this.block = Buffer.allocUnsafeSlow(BLOCK) // pages that are not written to cost nothing
        this.used = 0
        held += BLOCK
    }

    async write_out() {
        if (this.writing || this.failed) return
        this.writing = true
        try {
            this.file ??= await nameless_file(this.name)
            while (this.blocks.length && !this.failed) {
                await this.write(this.blocks[0])
                if (this.failed) return
                this.blocks.shift()
                held -= BLOCK
                if (!this.crowded) this.emit('room')
            }
            if (this.ended) this.completed()
        } catch (err) {
            this.lose(err)
        } finally {
            this.writing = false
            if (this.failed) this.close()
        }
    }

    async write(bytes) {
        while (bytes.length) {
            const { bytesWritten } = await this.file.write(bytes, 0, bytes.length, this.written)
            this.written += bytesWritten
            bytes = bytes.subarray(bytesWritten)
        }
    }

    async *pieces() {
        for (let position = 0; position < this.written && !this.failed; ) {
            const block = Buffer.allocUnsafeSlow(BLOCK)
            const { bytesRead } = await this.file.read(block, 0, BLOCK, position)
            if (!bytesRead) throw new Error(`${this.name} ends at ${position} of ${this.written} bytes`)
            position += bytesRead
            yield block.subarray(0, bytesRead)
        }
        for (const block of this.blocks) yield block
        if (this.failed) throw this.failed
    }

    whenever_complete(next) {
        if (this.complete) next()
        else this.once('complete', next)
    }

    completed() {
        this.complete = true
        setImmediate(() => this.emit('complete')) // others' errors are not ours
    }

    lose(why) {
        if (this.failed) return
        this.failed = why
        held -= BLOCK * (this.blocks.length + (this.block ? 1 : 0))
        this.blocks = []
        this.block = null
        if (!this.writing) this.close()
        this.emit('room')
        if (this.ended && !this.complete) this.completed()
    }

    close() {
        this.file?.close().catch(() => {}) // after what is being read from it
        this.file = null
    }
}

// A file that is gone when it is closed, whatever ends us.
async function nameless_file(name) {
    const file = await fs.open(name, 'wx+', 0o600)
    await fs.unlink(name)
    return file
}

function handed_on(destination, piece) {
    if (!destination.writable) throw new Error('nobody takes the message any more')
    if (destination.write(piece)) return
    return new Promise((resolve) => {
        const go_on = () => {
            destination.removeListener('drain', go_on)
            destination.removeListener('close', go_on)
            resolve()
        }
        destination.on('drain', go_on)
        destination.on('close', go_on)
    })
}
