// Parameters of MAIL and RCPT that we do not offer, and addresses that need them, are refused (RFC 5321 4.1.1.11):
// Haraka takes them all and forgets what they asked for. A client that is told can do without, or tell its sender.

const NOT_OFFERED = 'Parameter not recognized or not implemented'

exports.register = function () {
    const dsn = require('haraka-dsn')
    this.refusals = {
        parameter: (name) => dsn.create(555, `${NOT_OFFERED}: ${name}`, 5, 4),
        value: (name) => dsn.create(501, `Bad value: ${name}`, 5, 4),
        address: () => dsn.create(553, 'This address needs SMTPUTF8, which is not offered', 6, 7),
    }
}

const OFFERED = {
    SIZE: /^\d{1,20}$/,
    BODY: /^(7BIT|8BITMIME)$/i,
}

exports.hook_mail = function (next, connection, [from, parameters]) {
    const refusal = this.refusal(from, parameters, OFFERED)
    if (refusal) return next(DENY, refusal)
    if (parameters.BODY) connection.transaction.notes.body = parameters.BODY.toUpperCase()
    next()
}

exports.hook_rcpt = function (next, _connection, [recipient, parameters]) {
    const refusal = this.refusal(recipient, parameters, {})
    next(refusal && DENY, refusal)
}

exports.refusal = function (address, parameters, offered) {
    for (const [name, value] of Object.entries(parameters)) {
        if (!offered[name]) return this.refusals.parameter(name)
        if (value === null || !offered[name].test(value)) {
            // BODY=BINARYMIME is an extension of its own (RFC 3030)
            return name === 'BODY' ? this.refusals.parameter(`${name}=${value}`) : this.refusals.value(name)
        }
    }
    return /[^\x00-\x7f]/.test(address.user ?? '') ? this.refusals.address() : undefined
}
