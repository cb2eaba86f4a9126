// STARTTLS takes no parameter and comes once (RFC 3207 4, 4.2): Haraka 3.3.4 looks at the word only, and begins TLS
// within TLS.
//
// Load it before tls.

exports.hook_unrecognized_command = function (next, connection, [verb, parameter]) {
    if (verb.toUpperCase() !== 'STARTTLS') return next()
    const dsn = require('haraka-dsn')
    if (connection.tls.enabled) return next(DENY, dsn.create(554, 'TLS is active already', 5, 1))
    if (parameter?.trim()) return next(DENY, dsn.create(501, 'STARTTLS takes no parameter', 5, 4))
    next()
}
