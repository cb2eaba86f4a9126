// `RCPT TO:<Postmaster>`, without a domain, must be taken (RFC 5321 4.5.1): it goes to the address in postmaster.ini.
// Load it before rcpt_to.in_host_list, which then judges that address like any other.

const { Address } = require('@haraka/email-address')

exports.register = function () {
    this.address = this.config.get('postmaster.ini').main.address
}

exports.hook_rcpt = function (next, connection, [recipient]) {
    if (!recipient.host && recipient.user?.toLowerCase() === 'postmaster') {
        // the very value that the transaction and the hooks after this one hold
        Object.assign(recipient, new Address(`<${this.address}>`))
        connection.loginfo(this, `<postmaster> is ${this.address}`)
    }
    next()
}
