// Outgoing mail: the queue, and deliveries from it, instead of Haraka's own, which has one patience for everything, lets
// twenty silent servers stop all mail, bounces what only this host or this minute refuses, and on a full disk keeps mails
// twice or loses their bounces. See deliveries/ for each part; this file ties them to Haraka 3.3.4.
//
// Haraka's hooks get_mx and queue_outbound stay. HMailItem's resolver answers what is asked of DNS, as one of node:dns,
// and another plugin may replace it. How TLS is meant to be at a server is asked from HMailItem's
// tls_policy(mx), which another plugin may replace; it resolves to
//   options    for tls.connect
//   required   no TLS, or a wrong one, means the next server, then later; otherwise mail goes in clear at once
//   verify     given the TLS socket: what is wrong, { kind, why }, or undefined
//   note       told once for each connection how it went: { kind: 'success' }, or a result type of RFC 8460 and why
//   refused    why this server is not to be tried now
//   key        connections are kept for mails with the same host name and key
//   implicit   TLS comes first, without STARTTLS
//   login      { user, password } to log in with before the first mail
// A server that hook get_mx marks as `smarthost` was chosen by our own configuration, to log in at.

const crypto = require('node:crypto')
const dns = require('node:dns')
const net = require('node:net')
const tls = require('node:tls')

const { Delivery } = require('./deliveries/delivery')
const { Hosts } = require('./deliveries/hosts')
const { home, NoRoute, source } = require('./deliveries/mx')
const { QueueFiles } = require('./deliveries/queue_files')
const { Slots } = require('./deliveries/slots')

exports.register = function () {
    this.haraka = {
        cfg: require('./outbound/config').cfg, // "./" is Haraka's own folder
        HMailItem: require('./outbound/hmail'),
        TODOItem: require('./outbound/todo'),
        qfile: require('./outbound/qfile'),
        queue: require('./outbound/queue'),
        plugins: require('./plugins'),
        ...require('@haraka/email-address'),
        Notes: require('haraka-notes'),
        HarakaMx: require('haraka-net-utils').HarakaMx,
    }
    const { qfile, queue, HMailItem } = this.haraka
    this.files = new QueueFiles(queue.queue_dir, { name: (parts) => qfile.name(parts), parts: qfile.parts })
    this.settings = this.config.get('deliveries.ini')
    this.env = this.environment(this.settings.main)
    this.slots = new Slots(numbers(this.settings.slots), (file, domain, slot) => this.deliver(file, slot))
    HMailItem.prototype.tls_policy = opportunistic()
    HMailItem.prototype.resolver = this.resolver(this.settings.main)
    this.take_over(queue, HMailItem)
}

exports.resolver = function ({ nameserver }) {
    const resolver = new dns.promises.Resolver({ timeout: 5000, tries: 2 })
    if (nameserver) resolver.setServers([nameserver])
    return resolver
}

exports.environment = function ({ own_address, own_address6, port }) {
    const own = [own_address, own_address6].filter(Boolean)
    return {
        files: this.files,
        unmarked: new Map(),
        hosts: new Hosts(numbers(this.settings.hosts)),
        timing: numbers(this.settings.seconds),
        intervals: this.haraka.cfg.temp_fail_intervals,
        hello: this.config.get('me'),
        port: Number(port),
        is_home: home(own),
        source: source(own),
        ids: () => crypto.randomUUID(),
        routes: (hmail) => this.routes(hmail),
        load: (file, read) => this.load(file, read),
        later: (file, domain, seconds) => this.later(file, domain, seconds),
        queue_report: (to, message) => this.queue_report(to, message),
        log: { notice: (text) => this.lognotice(text), error: (text) => this.logerror(text) },
    }
}

function numbers(section) {
    return Object.fromEntries(Object.entries(section).map(([name, value]) => [name, Number(value)]))
}

function opportunistic() {
    const secureContext = tls.createSecureContext({ minVersion: 'TLSv1.2' })
    return async (mx) => ({
        options: {
            secureContext,
            servername: net.isIP(mx.from_dns || mx.exchange) ? '' : mx.from_dns || mx.exchange,
            rejectUnauthorized: false,
            checkServerIdentity: () => undefined,
        },
    })
}

// ---- the queue -----------------------------------------------------------------------------------------------------

// What Haraka finds in the queue folder when it starts, or is told to flush, comes here.
exports.take_over = function (queue, HMailItem) {
    HMailItem.prototype.size_file = () => {} // a mail is read when its turn comes
    const { delivery_queue } = queue
    delivery_queue.push = ({ filename }) => this.slots.add(filename, '')
    delivery_queue.length = () => this.slots.length
    let reading = Promise.resolve() // one after the other: thousands at once would be as many open files
    queue._add_file = async (file) => {
        reading = reading.then(async () => {
            const domain = await this.files.read(file).then(
                ({ todo }) => todo.domain,
                () => '',
            )
            const milliseconds = this.haraka.qfile.parts(file).next_attempt - Date.now()
            this.later(file, domain, milliseconds / 1000)
        })
        return file
    }
}

exports.later = function (file, domain, seconds) {
    if (seconds <= 0) return this.slots.add(file, domain)
    this.haraka.queue.temp_fail_queue.add(file, seconds * 1000, () => this.slots.add(file, domain))
}

exports.hook_queue_outbound = async function (next, connection) {
    const { transaction } = connection
    const domains = new Map()
    for (const recipient of transaction.rcpt_to) {
        const domain = recipient.host.toLowerCase()
        domains.set(domain, [...(domains.get(domain) ?? []), recipient])
    }
    const todos = [...domains].map(([domain, recipients], index) => {
        const todo = new this.haraka.TODOItem(domain, recipients, transaction)
        return Object.assign(todo, { uuid: `${transaction.uuid}.${index + 1}` })
    })
    try {
        await this.add(todos, (stream) => pour(transaction.message_stream, stream))
        next(OK, `Message Queued (${transaction.uuid})`)
    } catch (err) {
        connection.logerror(this, `cannot queue: ${err.message}`)
        next(DENYSOFT, 'The mail cannot be queued right now, try again later')
    }
}

exports.queue_report = async function (to, message) {
    const notes = message.some((byte) => byte > 127) ? { body: '8BITMIME' } : {}
    const todo = { mail_from: new this.haraka.Address('<>'), notes, uuid: crypto.randomUUID() }
    const facts = { queue_time: Date.now(), domain: to.host.toLowerCase(), rcpt_to: [to], force_tls: false }
    await this.add([{ ...todo, ...facts }], (stream) => stream.end(message))
}

exports.add = async function (todos, fill) {
    const names = await this.files.add(todos, fill)
    try {
        await this.files.sync()
    } catch (err) {
        // queued all the same, and on its way: a refusal now would make it arrive twice
        this.logerror(`cannot sync ${this.files.folder}: ${err.message}`)
    }
    names.forEach((name, index) => this.slots.add(name, todos[index].domain))
}

async function pour(message, stream) {
    const stop = (err) => stream.destroy(err)
    message.on('error', stop) // its spool file cannot be read
    await new Promise((resolve) => {
        stream.once('close', resolve)
        message.pipe(stream, { dot_stuffed: false })
    })
    message.removeListener('error', stop)
}

// ---- a delivery ----------------------------------------------------------------------------------------------------

exports.deliver = async function (file, slot) {
    try {
        await new Delivery(file, slot, this.env).run()
    } catch (err) {
        this.logerror(`${file}: ${err.stack}`)
        this.later(file, '', this.env.intervals[0])
    }
}

exports.load = function (file, { todo, start, size }) {
    const { HMailItem, Address, Notes } = this.haraka
    const hmail = new HMailItem(file, this.files.path(file))
    hmail.data_start = start
    hmail.file_size = size
    hmail.todo = {
        ...todo,
        mail_from: new Address(todo.mail_from),
        rcpt_to: todo.rcpt_to.map((recipient) => new Address(recipient)),
        notes: new Notes(todo.notes),
    }
    return hmail
}

// What plugins say about the way; undefined where it is to be looked up.
exports.routes = function (hmail) {
    const { plugins, HarakaMx } = this.haraka
    return new Promise((resolve, reject) => {
        hmail.get_mx_respond = (code, told) => {
            if (code === DENY) reject(new NoRoute(String(told), true, '5.4.4'))
            else if (code === DENYSOFT) reject(new NoRoute(String(told), false, '4.4.3'))
            else resolve(code === OK ? [told].flat().map((each) => new HarakaMx(each)) : undefined)
        }
        plugins.run_hooks('get_mx', hmail, hmail.todo.domain)
    })
}
