// Queue files: a mail is in the queue once, whole and on disk, or not at all, whatever the disk says.
//
// The format is Haraka's: four bytes with the length of a header in JSON, the header, the message as it came over SMTP
// (with dots stuffed). The header has one thing more, `done`: a character for each recipient, which is overwritten in
// place when that recipient is done with, as Postfix does it in its queue files. That needs no room on a full disk, and
// there is no moment at which two files hold the same mail.

const fs = require('node:fs')
const path = require('node:path')

const TEMPORARY = '__tmp__.' // Haraka deletes these when it starts
const PENDING = '.'
const DONE = 'x'
const FIRST = Buffer.from('"done": "')

class QueueFiles {
    // `name(parts)` makes a file name; `parts(name)` reads it.
    constructor(folder, { name, parts }) {
        Object.assign(this, { folder, name, parts })
    }

    path(file) {
        return path.join(this.folder, file)
    }

    // Writes a mail for each of `todos`; `fill(stream)` writes and ends the message. All of them or none: returns names.
    async add(todos, fill) {
        const names = todos.map(() => this.name())
        const written = []
        try {
            for (const [index, todo] of todos.entries()) {
                written.push(this.path(TEMPORARY + names[index]))
                await write(written.at(-1), header_of(todo), fill)
            }
            for (const name of names) {
                await fs.promises.rename(written[0], this.path(name))
                written.splice(0, 1)
                written.push(this.path(name))
            }
        } catch (err) {
            for (const place of written) await fs.promises.rm(place, { force: true }).catch(() => {})
            throw err
        }
        return names
    }

    // A rename lasts when its folder is synced.
    async sync() {
        const folder = await fs.promises.open(this.folder, 'r')
        try {
            await folder.sync()
        } finally {
            await folder.close()
        }
    }

    // The header, where the message begins, and the file's size in bytes.
    async read(file) {
        const handle = await fs.promises.open(this.path(file), 'r')
        try {
            const { size } = await handle.stat()
            const length = (await exactly(handle, 4, 0)).readUInt32BE(0)
            if (length > size) throw new SyntaxError('its header is cut')
            const todo = JSON.parse((await exactly(handle, length, 4)).toString())
            if (!whole(todo)) throw new SyntaxError('its header lacks something')
            return { todo, start: length + 4, size }
        } finally {
            await handle.close()
        }
    }

    message(file, start) {
        return fs.createReadStream(this.path(file), { start })
    }

    // `done` says for each recipient whether it is done with.
    async mark(file, done) {
        const handle = await fs.promises.open(this.path(file), 'r+')
        try {
            const length = (await exactly(handle, 4, 0)).readUInt32BE(0)
            const at = (await exactly(handle, length, 4)).indexOf(FIRST)
            if (at < 0) throw new Error(`${file} was not written by this version: it has no marks`)
            await handle.write(marks(done), 4 + at + FIRST.length)
            await handle.sync()
        } finally {
            await handle.close()
        }
    }

    // Puts off a mail; returns its new name.
    async postpone(file, next_attempt, attempts) {
        const name = this.name({ ...this.parts(file), next_attempt, attempts })
        await fs.promises.rename(this.path(file), this.path(name))
        return name
    }

    async remove(file) {
        await fs.promises.rm(this.path(file), { force: true })
    }

    // Aside, for a person to look at.
    async set_aside(file) {
        await fs.promises.rename(this.path(file), this.path(`error.${file}`))
    }
}

function header_of(todo) {
    const { message_stream: _, ...rest } = todo
    const done = marks(todo.rcpt_to.map(() => false))
    const text = Buffer.from(`\n${JSON.stringify({ done, ...rest }, null, '\t')}\n`)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    return Buffer.concat([length, text])
}

// What no mail can be delivered or come back without.
function whole(todo) {
    const address = (value) => typeof value?.original === 'string'
    const { domain, mail_from, rcpt_to, notes } = todo ?? {}
    const recipients = Array.isArray(rcpt_to) && rcpt_to.length > 0 && rcpt_to.every(address)
    const envelope = address(mail_from) && recipients
    return envelope && typeof domain === 'string' && typeof notes === 'object' && notes !== null
}

function marks(done) {
    return done.map((each) => (each ? DONE : PENDING)).join('')
}

function pending(todo) {
    return todo.rcpt_to.map((_, index) => todo.done?.[index] !== DONE)
}

// Ends when all is on disk and the file is closed, or when it failed and is closed: only then may it be removed.
async function write(place, header, fill) {
    const stream = fs.createWriteStream(place, { flags: 'wx', flush: true })
    const closed = new Promise((resolve) => stream.once('close', resolve))
    let failure
    stream.on('error', (err) => (failure = err))
    stream.write(header)
    try {
        await fill(stream)
    } catch (err) {
        stream.destroy(err)
    }
    await closed
    if (failure) throw failure
}

async function exactly(handle, length, position) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position)
    if (bytesRead !== length) throw new SyntaxError('it is cut')
    return buffer
}

module.exports = { QueueFiles, pending, TEMPORARY }
