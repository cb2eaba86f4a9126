// Commands one at a time. Haraka 3.3.4 looks for a line again and again while it answers the one before (all of a
// processor, for as long as that takes), keeps any amount of what comes meanwhile, and never answers for it.

const LF = 0x0a
const WAITING = 64 * 1024 // bytes of commands that may wait for their turn before the client does
const AFTER_DATA = 8192 // as in Haraka: nobody says that much before the answer to its message
const EARLY = 'You spoke before the greeting'
const AHEAD = 'You spoke before the answer to your greeting'
const HELLO = /^(EHLO|HELO)\b/i

exports.take_input = function (Connection, { state, clock, line_length }) {
    const { CMD, LOOP, DATA, PAUSE, PAUSE_SMTP, DISCONNECTING } = state
    const take_message = Connection.prototype._process_data

    Connection.prototype.process_data = function (bytes) {
        if (this.state >= DISCONNECTING) return
        if (this.state === PAUSE) return turn_away(this, EARLY) // RFC 5321 3.1: instead of a greeting
        clock.progress(this, bytes.length)
        this.current_data = this.current_data?.length ? Buffer.concat([this.current_data, bytes]) : bytes
        this._process_data()
        if (this.awaiting_data_reply && this.current_data?.length > AFTER_DATA) {
            this.lognotice('too much pipelined after DATA')
            return this.disconnect()
        }
        if (this.current_data?.length > WAITING && this.state === PAUSE_SMTP) {
            this.notes.input_waits = true
            this.client.pause()
        }
    }

    Connection.prototype._process_data = function () {
        while (this.current_data?.length) {
            if (this.state === DATA) {
                take_message.call(this)
                break
            }
            if (this.state !== CMD && this.state !== LOOP) {
                note_pipelining(this)
                break
            }
            if (!take_command(this, line_length)) break
        }
        if (this.notes.input_waits && this.state < DISCONNECTING && !(this.current_data?.length > WAITING)) {
            this.notes.input_waits = false
            this.client.resume()
        }
    }

    function note_pipelining(connection) {
        if (connection.state !== PAUSE_SMTP || !connection.current_data.includes(LF)) return
        if (connection.esmtp) connection.pipelining = true
        else connection.early_talker = true
    }
}

function turn_away(connection, why) {
    connection.early_talker = true
    connection.lognotice(why)
    connection.respond(554, why, () => connection.disconnect())
}

// Whether there was one.
function take_command(connection, line_length) {
    const bytes = connection.current_data
    const lf = bytes.indexOf(LF)
    if (lf === -1 ? bytes.length > line_length : lf >= line_length) {
        connection.current_data = null
        connection.respond(500, 'Command line too long', () => connection.disconnect()) // RFC 5321 4.5.3.1.9
        return false
    }
    if (lf === -1) return false
    const line = bytes.subarray(0, lf + 1)
    connection.current_data = bytes.subarray(lf + 1)
    if (connection.current_data.length && HELLO.test(line.toString('latin1', 0, 5))) {
        turn_away(connection, AHEAD) // RFC 2920 3.1: it cannot know yet that it may; Postfix: smtpd_forbid_unauth_pipelining
        return false
    }
    connection.process_line(line)
    return true
}
