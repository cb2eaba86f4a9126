// One stranger costs little, and others get in. Modelled on Postfix under stress (https://www.postfix.org/STRESS_README.html),
// since Haraka 3.3.4 has no such thing: a byte a second holds a session, bad commands are answered for ever, whoever came
// first keeps every slot, and who talks before it is asked makes the process spin.
//
// - slots:    so many sessions in all, for a client (an IPv4 address or an IPv6 /64), and at Mailcow. Where all are taken,
//             a newcomer gets the place of another, by how long nothing came of that and how many its client has.
// - clock:    a deadline for the whole of a command and not for its bytes, and a least rate for messages; much shorter
//             ones when three quarters of the slots are taken.
// - commands: so many errors, and so many commands without a message, then 421; fewer when slots are short.
// - input:    commands one at a time, what waits for its turn bounded, an early talker turned away.
// - guard:    a fault of ours ends one session, not all.
// - memory:   given back when a flood is over.
// - listeners: many who come at once do not stand before a newcomer.
//
// The limits are in sessions.ini. Mailcow counts sessions too, but sees them all from the proxy.

const { Clock } = require('./sessions/clock')
const { limit_commands } = require('./sessions/commands')
const { guard } = require('./sessions/guard')
const { take_input } = require('./sessions/input')
const { listen_often } = require('./sessions/listeners')
const { Memory } = require('./sessions/memory')
const { Slots } = require('./sessions/slots')

const FULL = 'Too many connections, try again later'
const SLOW = 'You took too long, try again later'
const GIVEN_AWAY = 'Others are waiting for this connection, try again later'

exports.register = function () {
    const { Connection, cfg } = require('./connection') // "./" is Haraka's own folder
    const { state } = require('haraka-constants').connection
    const limits = this.config.get('sessions.ini').main
    this.clock = new Clock(limits, state)
    this.slots = new Slots(limits, this.clock)
    this.memory = new Memory(this.slots)
    const stressed = () => this.slots.nearly_full
    take_input(Connection, { state, clock: this.clock, line_length: cfg.max.line_length })
    guard(Connection)
    limit_commands(Connection, { state, limits, stressed, clock: this.clock })
    listen_often(require('./server'))
    setInterval(() => this.tick(), limits.tick * 1000).unref()

    this.register_hook('connect_init', 'enter')
    this.register_hook('lookup_rdns', 'admit')
    this.register_hook('mail', 'ask_mailcow')
    this.register_hook('queue_ok', 'delivered')
    this.register_hook('disconnect', 'leave')
}

exports.enter = function (next, connection) {
    const { slots } = this
    this.clock.begin(connection)
    slots.take(connection)
    this.memory.look()
    if (!slots.too_many_of(connection) && slots.overfull) {
        const other = slots.to_give_up_for(connection)
        if (other) this.end(other, GIVEN_AWAY)
    }
    connection.notes.refused = slots.overfull || slots.too_many_of(connection)
    next()
}

exports.admit = function (next, connection) {
    if (!connection.notes.refused) return next()
    connection.logwarn(this, `too many sessions: ${this.slots.describe(connection)}`)
    next(DENYSOFTDISCONNECT, FULL)
}

exports.ask_mailcow = function (next, connection) {
    const { slots } = this
    const busy = slots.at_mailcow
    if (busy.length < slots.limits.upstream || connection.notes.end_kept) return next()
    const idle = busy.find(({ notes }) => notes.end_kept)
    if (idle) {
        idle.notes.end_kept() // its session stays
        return next()
    }
    const other = slots.to_give_up_for(connection, busy)
    if (!other) return next(DENYSOFT, FULL)
    this.end(other, GIVEN_AWAY)
    next()
}

exports.delivered = (next, connection) => {
    connection.notes.commands = 0
    next()
}

exports.leave = function (next, connection) {
    this.slots.free(connection)
    next()
}

exports.tick = function () {
    this.memory.look()
    for (const connection of this.clock.late(this.slots.sessions, this.slots.nearly_full)) this.end(connection, SLOW)
}

exports.end = function (connection, why) {
    const waited = Math.round(this.clock.waited(connection) / 1000)
    connection.lognotice(this, `${why}: ${waited} s; ${this.slots.describe(connection)}`)
    connection.respond(421, why, () => connection.disconnect())
}
