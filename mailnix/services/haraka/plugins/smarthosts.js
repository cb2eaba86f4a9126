// Mail through another's server, with a user and a password: all of it, or what is for some domains (smarthosts.json).
//
// Nothing is opportunistic there: TLS, and a certificate of a public authority for the server's name, or the mail waits.
// So it does while the server does not let us in, for that says nothing of the mail.
//
// Load it after relay, which knows the way to our own domains, and after deliveries and tls_policy.

const fs = require('node:fs')
const tls = require('node:tls')
const { domainToASCII } = require('node:url')

const { addresses, better } = require('./deliveries/mx')

exports.register = function () {
    const { roots, smarthosts } = this.config.get('smarthosts.json')
    const ca = fs.existsSync(roots) ? fs.readFileSync(roots) : undefined
    const secureContext = tls.createSecureContext({ ca, minVersion: 'TLSv1.2' })
    this.HarakaMx = require('haraka-net-utils').HarakaMx
    this.smarthosts = smarthosts.map((smarthost) => ({
        ...smarthost,
        terms: terms(smarthost, secureContext, this.login(smarthost)),
    }))
    this.take_over(require('./outbound/hmail')) // "./" is Haraka's own folder
}

exports.login = function ({ host, user }) {
    if (!user) return undefined
    const password = this.config.get(`smarthost_password.${host}`, 'binary') // as it is, no text of ours
    if (!password?.length) throw new Error(`there is no password for ${host}`)
    return { user, password: password.toString().replace(/\r?\n$/, '') }
}

exports.take_over = function (HMailItem) {
    const to_receivers = HMailItem.prototype.tls_policy
    HMailItem.prototype.tls_policy = async function (mx) {
        return mx.smarthost?.terms ?? (await to_receivers.call(this, mx))
    }
}

exports.hook_get_mx = async function (next, hmail, domain) {
    const name = domainToASCII(domain) || domain
    const { smarthosts } = this
    const smarthost =
        smarthosts.find(({ domains }) => domains.includes(name)) ?? smarthosts.find(({ domains }) => !domains.length)
    if (!smarthost) return next()
    const { host, port } = smarthost
    try {
        const found = (await addresses(host, 0, hmail.resolver)).sort(better)
        if (!found.length) return next(DENYSOFT, `${host}, by way of which it goes, has no address`)
        next(OK, found.map((mx) => Object.assign(new this.HarakaMx({ ...mx, port }), { smarthost })))
    } catch (err) {
        next(DENYSOFT, err.message)
    }
}

// What `deliveries` wants to know of it (see there).
function terms({ host, port, tls: how }, secureContext, login) {
    const required = how !== 'none'
    return {
        options: { secureContext, servername: host, rejectUnauthorized: false, checkServerIdentity: () => undefined },
        required,
        implicit: how === 'implicit',
        verify: required ? (socket) => flaw(socket, host) : undefined,
        key: `smarthost ${port}`,
        login,
    }
}

function flaw(socket, host) {
    if (socket.authorizationError) {
        return { kind: 'certificate-not-trusted', why: `its certificate is not trusted: ${socket.authorizationError}` }
    }
    const named = socket.getPeerX509Certificate()?.checkHost(host, { subject: 'never', partialWildcards: false })
    return named ? undefined : { kind: 'certificate-host-mismatch', why: `its certificate is not for ${host}` }
}
