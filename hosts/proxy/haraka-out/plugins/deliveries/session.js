// One conversation with one receiver: commands and replies, each with the patience of RFC 5321 4.5.3.2.
//
// Everything that goes wrong with the receiver or the way to it, and says nothing of a mail, is thrown as `Trouble`.
// Answers are returned, whatever they say.

const net = require('node:net')
const tls = require('node:tls')

const LONGEST_REPLY = 64 * 1024 // bytes
const LONGEST_TEXT = 1000
const REPLY_COST = 100 // bytes of memory beside its lines
const LATIN1 = 'latin1' // answers are bytes to us
const REPLY = /^([2-5]\d\d)(?:([ -])(.*))?$/s
const STATUS = /^[245]\.\d{1,3}\.\d{1,3}(?= |$)/ // RFC 2034

class Trouble extends Error {
    // `reply` where the receiver has answered; `taken` where it may have the mail; `handshake` where TLS went wrong
    constructor(message, facts = {}) {
        super(message)
        Object.assign(this, facts)
    }
}

class Session {
    // `timing`: seconds for connect, greeting, command, data, block, dot; `heard` is called at every sign of life
    constructor(mx, timing, heard = () => {}) {
        this.host = mx.exchange
        this.port = mx.port
        this.name = mx.from_dns || mx.exchange
        this.source = mx.bind
        this.timing = timing
        this.heard = heard
        this.extensions = new Map()
        this.secured = false
        this.mails = 0
        this.replies = []
        this.waiting = 0 // what `replies` hold, in bytes
        this.unread = ''
        this.lines = []
    }

    // With `tls_options`, TLS comes before the greeting (RFC 8314 3.3).
    async open(tls_options) {
        const { host, port, source } = this
        await this.within(this.timing.connect, 'the connection', (resolve) => {
            this.attach(net.connect({ host, port, localAddress: source, noDelay: true }))
            this.socket.once('connect', resolve)
        })
        this.heard()
        if (tls_options) await this.encrypt(tls_options)
        const greeting = await this.reply(this.timing.greeting, 'the greeting')
        if (greeting.code[0] !== '2') throw new Trouble(`it greets with ${greeting.text}`, { reply: greeting })
    }

    async hello(name) {
        this.extensions.clear()
        const ehlo = await this.command(`EHLO ${name}`)
        if (ehlo.code[0] === '2') {
            for (const line of ehlo.lines.slice(1)) {
                const [keyword, ...parameters] = line.toUpperCase().split(/[ =]+/)
                this.extensions.set(keyword, parameters)
            }
            return
        }
        const answer = ehlo.code[0] === '5' && !this.secured ? await this.command(`HELO ${name}`) : ehlo
        if (answer.code[0] !== '2') throw new Trouble(`it answers EHLO with ${answer.text}`, { reply: answer })
    }

    // Begins TLS; false where the receiver refuses to.
    async starttls(options) {
        const answer = await this.command('STARTTLS')
        if (answer.code[0] !== '2') return false
        if (this.unread || this.replies.length) throw new Trouble('it speaks before TLS begins', { handshake: true })
        await this.encrypt(options)
        return true
    }

    async encrypt(options) {
        const plain = this.socket
        for (const event of ['data', 'error', 'close']) plain.removeAllListeners(event)
        try {
            await this.within(this.timing.command, 'the TLS handshake', (resolve) => {
                this.attach(tls.connect({ ...options, socket: plain }))
                plain.on('error', () => {}) // told by the one around it
                this.socket.once('secureConnect', resolve)
            })
        } catch (err) {
            throw new Trouble(err.message, { handshake: true })
        }
        this.secured = true
    }

    // RFC 4954, by PLAIN where it is offered, else by LOGIN. No error repeats what was said.
    async login({ user, password }) {
        const offered = this.extensions.get('AUTH') ?? []
        const base64 = (text) => Buffer.from(text).toString('base64')
        const plain = [`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`]
        const lines = offered.includes('PLAIN') ? plain : ['AUTH LOGIN', base64(user), base64(password)]
        if (!offered.includes('PLAIN') && !offered.includes('LOGIN')) {
            throw new Trouble('it offers neither AUTH PLAIN nor LOGIN')
        }
        for (const [index, line] of lines.entries()) {
            this.write(`${line}\r\n`)
            const answer = await this.reply(this.timing.command, 'AUTH')
            if (answer.code[0] === (index + 1 < lines.length ? '3' : '2')) continue
            throw new Trouble(`it does not let us in: ${answer.text}`, { reply: answer })
        }
    }

    async command(line, seconds = this.timing.command) {
        this.write(`${line}\r\n`)
        return await this.reply(seconds, line.split(/[ :]/)[0])
    }

    write(data) {
        if (this.failure) throw this.failure
        this.socket.write(data, LATIN1)
    }

    // Sends the chunks of a message, which ends with a line end, and the dot behind it.
    async message(chunks) {
        let last = '\r\n'
        for await (const chunk of chunks) {
            if (this.failure) throw this.failure
            if (this.replies.length) break // an answer before the end: 421, or 5xx from one that reads no further
            last = (last + chunk.subarray(-2).toString(LATIN1)).slice(-2)
            if (!this.socket.write(chunk)) {
                await this.within(this.timing.block, 'it to read on', (resolve) => this.socket.once('drain', resolve))
                this.heard()
            }
        }
        if (this.replies.length) return this.refused_amid(this.next_reply())
        this.write(last === '\r\n' ? '.\r\n' : '\r\n.\r\n')
        try {
            return await this.reply(this.timing.dot, 'the end of the message')
        } catch (err) {
            throw new Trouble(err.message, { taken: true })
        }
    }

    refused_amid(answer) {
        this.fail(`it answers amid the message: ${answer.text}`)
        if (answer.code[0] === '2') throw this.failure
        return answer
    }

    // The next answer: code, enhanced status, lines without their codes, and all of it as text.
    async reply(seconds, what) {
        if (!this.replies.length) {
            await this.within(seconds, `an answer to ${what}`, (resolve) => (this.awaited = resolve))
        }
        return this.next_reply()
    }

    next_reply() {
        const reply = this.replies.shift()
        this.waiting -= cost(reply)
        return reply
    }

    close() {
        if (!this.socket || this.failure) return
        this.failure = new Trouble('closed by us')
        for (const event of ['data', 'close']) this.socket.removeAllListeners(event)
        this.socket.on('error', () => {})
        this.socket.once('data', () => this.socket.destroy()) // whatever it says to QUIT, and all that follows
        this.socket.end('QUIT\r\n')
        setTimeout(() => this.socket.destroy(), 5000).unref()
    }

    abort() {
        this.failure ??= new Trouble('closed by us')
        this.socket?.removeAllListeners('close')
        this.socket?.destroy()
    }

    attach(socket) {
        this.socket = socket
        socket.on('data', (data) => this.read(data))
        socket.on('error', (err) => this.fail(err.message || err.code))
        socket.on('close', () => this.fail('it closed the connection'))
    }

    read(data) {
        this.heard()
        // who awaits answers takes all there are before more come: these came unasked, while we wrote or were idle
        if (this.waiting > LONGEST_REPLY) return this.fail('it talks without end')
        this.unread += data.toString(LATIN1)
        let end
        while (!this.failure && (end = this.unread.indexOf('\n')) >= 0) {
            const line = this.unread.slice(0, end).replace(/\r$/, '')
            this.unread = this.unread.slice(end + 1)
            this.take(line)
        }
        if (this.unread.length + bytes_of(this.lines) > LONGEST_REPLY) this.fail('it talks without end')
    }

    take(line) {
        const match = REPLY.exec(line)
        if (!match) return this.fail(`it speaks no SMTP: ${printable(line)}`)
        const [, code, separator, text = ''] = match
        this.lines.push(printable(text))
        if (separator === '-') return
        const { lines } = this
        this.lines = []
        const reply = reply_of(code, lines)
        this.replies.push(reply)
        this.waiting += cost(reply)
        this.awaited?.()
    }

    fail(why) {
        if (this.failure) return
        this.failure = new Trouble(why)
        this.gone?.()
        this.rejected?.(this.failure)
        this.socket?.destroy()
    }

    async within(seconds, what, begin) {
        if (this.failure) throw this.failure
        let timer
        try {
            await new Promise((resolve, reject) => {
                this.rejected = reject
                timer = setTimeout(() => this.fail(`${seconds} s without ${what}`), seconds * 1000)
                begin(resolve)
            })
        } finally {
            clearTimeout(timer)
            this.rejected = this.awaited = undefined
        }
    }
}

function reply_of(code, lines) {
    const found = STATUS.exec(lines.at(-1))?.[0]
    const status = found?.[0] === code[0] ? found : undefined
    return { code, status, lines, text: [code, ...lines].join(' ').slice(0, LONGEST_TEXT).trimEnd() }
}

function cost({ lines }) {
    return REPLY_COST + bytes_of(lines)
}

function bytes_of(lines) {
    return lines.reduce((sum, line) => sum + line.length, 0)
}

function printable(text) {
    return text.replace(/[^\x20-\x7e]/g, '?')
}

module.exports = { Session, Trouble }
