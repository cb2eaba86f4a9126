// So many errors in a session (Postfix: smtpd_hard_error_limit), and so many commands since the last message
// (smtpd_junk_command_limit), then 421 and the end; fewer when slots are short.

const UNREAD = 64 * 1024 // bytes of replies that a client may leave unread
const ERRORS = 'Too many errors, try again later'
const COMMANDS = 'Too many commands without a message, try again later'

exports.limit_commands = function (Connection, { state, limits, stressed, clock }) {
    const { respond, process_line } = Connection.prototype
    const most = (name) => limits[stressed() ? `stressed_${name}` : name]
    const over = (connection, why) => respond.call(connection, 421, why, () => connection.disconnect())

    Connection.prototype.respond = function (code, msg, func) {
        const { notes } = this
        // 452 is about our room or the number of recipients, 421 the end already
        if (code >= 400 && code !== 421 && code !== 452) notes.errors = (notes.errors ?? 0) + 1
        // an answer about a message stays what it is: as 421 it would be sent again
        const about_message = this.state === state.PAUSE_DATA || this.state === state.DATA
        if (code >= 400 && code !== 421 && !about_message && notes.errors >= most('errors')) {
            this.lognotice(`too many errors: ${notes.errors}`)
            return over(this, ERRORS)
        }
        const answer = respond.call(this, code, msg, func)
        clock.replied(this)
        if (this.client.targetsocket?.writableLength > UNREAD) this.fail('client does not read our replies')
        return answer
    }

    Connection.prototype.process_line = function (line) {
        if (this.state === state.CMD && !/^(RCPT|DATA|QUIT)\b/i.test(line.toString('latin1', 0, 8))) {
            this.notes.commands = (this.notes.commands ?? 0) + 1
            if (this.notes.commands > most('commands')) {
                this.lognotice(`too many commands without a message: ${this.notes.commands}`)
                return over(this, COMMANDS)
            }
        }
        if (this.state === state.CMD && this.transaction && /^MAIL\b/i.test(line.toString('latin1', 0, 5))) {
            return this.respond(503, 'Nested MAIL command') // RFC 5321 4.1.4; each would open a connection to Mailcow
        }
        process_line.call(this, line)
    }
}
