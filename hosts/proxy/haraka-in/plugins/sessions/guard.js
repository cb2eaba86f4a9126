// An exception while a message's bytes come would end Haraka, and with it every session. It ends that client's
// instead, which may try again. (What a hook or a command throws at once, Haraka catches itself.)

const FAULT = 'Internal error, try again later'

exports.guard = function (Connection) {
    const { process_data } = Connection.prototype
    Connection.prototype.process_data = function (bytes) {
        try {
            process_data.call(this, bytes)
        } catch (err) {
            this.logcrit(`a fault of ours: ${err.stack}`)
            this.respond(421, FAULT, () => this.disconnect())
        }
    }
}
