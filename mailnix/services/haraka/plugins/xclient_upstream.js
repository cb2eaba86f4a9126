// Makes queue/smtp_proxy tell the mail server behind it who the client really is, with Postfix's XCLIENT
// (https://www.postfix.org/XCLIENT_README.html), and never hands over a message without it.
//
// What Haraka 3.3.4 does by itself is not enough: it sends ADDR only (so every client's name stays unknown, which
// rspamd punishes), without the IPV6: prefix (so Postfix refuses every IPv6 client's address), and when XCLIENT is
// refused or not offered it delivers anyway, under the proxy's own address.
//
// It also answers at once when the server is gone, where Haraka waits for its plugin timeout, and makes every refusal
// before MAIL a temporary one. And it keeps the connection for the session's next message (kept.js).
//
// Load it before queue/smtp_proxy. Tested with Haraka 3.3.4: it relies on smtp_client's send_command and call_next.

const dns = require('node:dns')
const net = require('node:net')
const ipaddr = require('ipaddr.js')
const { Kept } = require('./xclient_upstream/kept')

const UNREACHABLE = 'The mail server cannot be reached right now, try again later'
const UNREADY = 'The mail server does not take mail right now, try again later'
const UNANNOUNCED = 'The mail server does not take client addresses right now, try again later'
const HOST_NAME = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*$/i
const NAMES_TRIED = 5
const EXPECTED = Object.freeze({ __proto__: null, mail: /^2/, rcpt: /^2/, data: /^354/, dot: /^2/ })
const ABOUT_THE_SENDER = new Set(['mail', 'rcpt', 'data', 'dot', 'quit'])

exports.register = function () {
    const { main } = this.config.get('xclient_upstream.ini')
    this.settings = main
    this.inactivity = this.config.get('smtp.ini').main.inactivity_timeout
    this.thinking = Number(this.config.get('queue/smtp_proxy.timeout')) + 30
    this.resolver = new dns.promises.Resolver({ timeout: 2000, tries: 2 })
    if (main.nameserver) this.resolver.setServers([main.nameserver])
    this.kept = new Kept(main.keep_seconds)
    this.wrap(require('./smtp_client')) // "./" is Haraka's own folder

    this.register_hook('lookup_rdns', 'look_up')
    for (const hook of ['rcpt_ok', 'data', 'queue']) this.register_hook(hook, 'need_upstream')
    this.register_hook('queue', 'be_patient')
    this.register_hook('reset_transaction', 'be_normal')
    this.register_hook('disconnect', 'end_kept')
}

// ---- who the client is -------------------------------------------------------------------------------------------

exports.look_up = async function (next, connection) {
    const { remote, notes } = connection
    // Bounces of haraka-out: announced as the public machine they are, and never as a loopback address, which the
    // mail server trusts.
    const own = remote.is_local && this.settings.own_address
    notes.announced = own || remote.ip
    const names = await this.names_within(notes.announced)
    notes.client_names = names
    next(OK, names.confirmed ?? 'NXDOMAIN') // Haraka prints no name for this one
}

exports.names_within = async function (ip) {
    let timer
    const late = new Promise((resolve) => {
        timer = setTimeout(() => resolve({ temporary: true }), this.settings.dns_seconds * 1000)
    })
    try {
        return await Promise.race([this.names_of(ip), late])
    } finally {
        clearTimeout(timer)
    }
}

// The name in the PTR record (reverse), and the one whose own addresses include the client's (confirmed).
exports.names_of = async function (ip) {
    const result = { confirmed: null, reverse: null, temporary: false }
    try {
        const names = (await this.resolver.reverse(ip)).filter((name) => HOST_NAME.test(name))
        result.reverse = names[0] ?? null
        for (const name of names.slice(0, NAMES_TRIED)) {
            if (await this.has_address(name, ip)) return { ...result, confirmed: name }
        }
    } catch (err) {
        result.temporary = ![dns.NOTFOUND, dns.NODATA].includes(err.code)
    }
    return result
}

exports.has_address = async function (name, ip) {
    try {
        const found = await (net.isIPv6(ip) ? this.resolver.resolve6(name) : this.resolver.resolve4(name))
        return found.some((address) => ipaddr.process(address).toString() === ip)
    } catch (err) {
        if ([dns.NOTFOUND, dns.NODATA].includes(err.code)) return false
        throw err
    }
}

function attributes(connection, offered) {
    const { remote, notes } = connection
    const { confirmed, reverse, temporary } = notes.client_names
    const missing = temporary ? '[TEMPUNAVAIL]' : '[UNAVAILABLE]'
    const known = {
        ADDR: net.isIPv6(notes.announced) ? `IPV6:${notes.announced}` : notes.announced,
        PORT: remote.port,
        NAME: confirmed ?? missing,
        REVERSE_NAME: reverse ?? missing,
    }
    return Object.entries(known)
        .filter(([keyword]) => offered.includes(keyword))
        .map(([keyword, value]) => `${keyword}=${value}`)
        .join(' ')
}

// ---- the connection to the mail server ----------------------------------------------------------------------------

exports.wrap = function (smtp_client) {
    const get_client_plugin = smtp_client.get_client_plugin
    smtp_client.get_client_plugin = (proxy, connection, config, callback) => {
        release(connection) // a second MAIL without RSET would leave the first connection open
        const kept = this.kept.take(connection)
        if (kept) {
            this.kept.give(kept, callback)
            kept.emit('helo') // where a new one arrives after EHLO and XCLIENT: MAIL is sent
            return
        }
        get_client_plugin(proxy, connection, config, (_err, client) => {
            this.kept.give(client, callback)
            this.kept.watch(connection, client)
            this.attend(connection, client)
        })
    }
}

exports.end_kept = function (next, connection) {
    this.kept.end(connection)
    next()
}

exports.attend = function (connection, client) {
    const where = `${client.host}:${client.port}`
    const send = client.send_command.bind(client)
    let asked = false
    let late

    const refuse = (why, answer) => {
        connection.logerror(this, `${where}: ${why}`)
        release(connection)
        client.call_next(DENYSOFT, answer)
    }

    // RFC 5321 4.5.3.2 gives any host five minutes for its greeting. This one is our own, and the sender waits meanwhile.
    const expect_answer = () => {
        clearTimeout(late)
        late = setTimeout(() => {
            reason = 'no answer'
            client.destroy()
        }, this.settings.ready_seconds * 1000)
    }
    const answered = () => clearTimeout(late)
    expect_answer()
    for (const event of ['mail', 'bad_code']) client.prependListener(event, answered)
    client.socket.on('close', answered)

    client.send_command = (command, data) => {
        if (command === 'MAIL') expect_answer()
        if (command === 'XCLIENT') {
            asked = true
            const line = client.response.find((text) => /^XCLIENT\b/.test(text)) ?? ''
            return send(command, attributes(connection, line.split(' ')))
        }
        if (command === 'MAIL' && !client.xclient) {
            const reply = client.response.join(' ')
            const why = asked ? `XCLIENT was refused: ${reply}` : 'XCLIENT is not offered (smtpd_authorized_xclient_hosts)'
            return refuse(`${why}; no mail is handed over without the client's address`, UNANNOUNCED)
        }
        return send(command, data)
    }

    // Haraka takes any answer but 4xx and 5xx for the right one: a 250 to DATA, and all that follows were commands.
    let code = ''
    client.prependListener('server_protocol', (line) => (code = line.slice(0, 3)))
    const emit = client.emit.bind(client)
    client.emit = (event, ...rest) => {
        if (!EXPECTED[event] || EXPECTED[event].test(code)) return emit(event, ...rest)
        refuse(`${event.toUpperCase()} was answered with ${code}`, UNREADY)
        return true
    }

    client.prependListener('bad_code', (code) => {
        if (ABOUT_THE_SENDER.has(client.command)) return
        // What is refused before MAIL is refused to this machine: its 5xx, passed on, would make the sender bounce.
        const what = client.command.toUpperCase()
        connection.logerror(this, `${where}: ${what} was refused: ${code} ${client.response.join(' ')}`)
        client.call_next(DENYSOFT, UNREADY)
    })

    let reason = 'the connection was closed'
    client.socket.setTimeout(this.settings.connect_seconds * 1000)
    client.socket.on('timeout', () => (reason = client.connected ? 'no answer' : 'no connection'))
    client.socket.on('error', (err) => (reason = err.message))
    client.socket.on('close', () => {
        if (connection.notes.smtp_client !== client) return // ended on purpose
        refuse(`${reason}, while waiting for ${client.command.toUpperCase()}`, UNREACHABLE)
    })
}

function release(connection) {
    const client = connection.notes.smtp_client
    delete connection.notes.smtp_client
    client?.release()
}

// Without this, queue/smtp_proxy says yes to every recipient once its connection is lost.
exports.need_upstream = (next, connection) => {
    if (connection.notes.smtp_client) return next()
    next(DENYSOFT, UNREACHABLE)
}

// While the mail server thinks about a message, its sender is silent, and must not be cut off for that: the server
// might take the message afterwards, and the sender would send it again.
exports.be_patient = function (next, connection) {
    set_timeout(connection.client, this.thinking)
    next()
}

exports.be_normal = function (next, connection) {
    set_timeout(connection.client, this.inactivity)
    next()
}

// Under TLS there are two sockets with a timeout each: the inner one, and the TCP one that Haraka keeps beside it.
function set_timeout(client, seconds) {
    client.setTimeout(seconds * 1000)
    client.targetsocket?.socket?.setTimeout(seconds * 1000)
}
