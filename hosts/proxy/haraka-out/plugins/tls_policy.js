// Receivers' policies for TLS: DANE (RFC 7672) and MTA-STS (RFC 8461), as Postfix and postfix-tlspol keep them.
//
// What a policy demands is in tls_policy/policy.js; `deliveries` asks HMailItem's tls_policy(mx), which is replaced here, and
// sees to it that mail goes nowhere in clear, nor to another server, where that is not so: the next server, then later.
// How it went is counted by day and domain, for TLS-RPT (RFC 8460).
//
// It needs a validating resolver on this machine. One that reaches nothing at all (a network without port 53) is left
// out: the machine's own is asked, policies of MTA-STS that are still good are kept, and servers that are known for
// DANE get nothing.

const dns = require('node:dns')
const fs = require('node:fs')
const path = require('node:path')
const tls = require('node:tls')
const { domainToASCII } = require('node:url')

const { Counts, Known } = require('./tls_policy/memory')
const { Names, Resolver } = require('./tls_policy/names')
const { Policy, breach } = require('./tls_policy/policy')
const { Policies, fetch_text } = require('./tls_policy/sts')

const TIDY = 86_400_000 // milliseconds

exports.register = function () {
    const { main } = this.config.get('tls_policy.ini')
    if (!main.validator) return
    const ca = fs.existsSync(main.roots) ? fs.readFileSync(main.roots) : undefined
    const names = new Names(main.validator)
    const own = new dns.promises.Resolver({ timeout: 5000, tries: 2 })
    const resolver = new Resolver(names, own, () => this.logwarn('the validating resolver reaches nothing: no DANE'))

    this.counts = new Counts(path.join(main.folder, 'tls-rpt'))
    const known = new Known(path.join(main.folder, 'dane'))
    const policies = new Policies({
        folder: path.join(main.folder, 'mta-sts'),
        names,
        fetch: (domain) => fetch_text(domain, { ca, lookup: resolver.lookup }),
        note: (domain, err) => this.policy_failed(domain, err),
    })
    this.policy = new Policy({ names, policies, known })
    this.public_authorities = tls.createSecureContext({ ca, minVersion: 'TLSv1.2' })
    this.tidy_daily([policies, known])
    this.take_over(require('./outbound/hmail'), resolver) // "./" is Haraka's own folder
}

exports.take_over = function (HMailItem, resolver) {
    const plugin = this
    const opportunistic = HMailItem.prototype.tls_policy
    HMailItem.prototype.resolver = resolver
    HMailItem.prototype.tls_policy = async function (mx) {
        return plugin.terms(await opportunistic.call(this, mx), this.todo.domain, mx)
    }
}

exports.tidy_daily = function (stores) {
    const tidy = () => stores.forEach((store) => store.tidy().catch((err) => this.logerror(err.message)))
    this.timer = setInterval(tidy, TIDY)
    tidy()
}

exports.shutdown = function () {
    clearInterval(this.timer)
    this.counts?.save().catch(() => {})
}

// What `deliveries` wants to know of a server (see there).
exports.terms = async function (opportunistic, to, mx) {
    const domain = domainToASCII(to) || to
    if (!mx.from_dns || mx.from_dns === mx.exchange) return opportunistic // told by our own configuration, or literal
    const policy = await this.policy.of(domain, mx.from_dns, mx.port)
    const note = (outcome) => this.count(domain, policy, mx, outcome)
    if (policy.kind === 'refuse') note({ kind: policy.type, why: policy.reason })
    const context = policy.kind === 'sts' ? { secureContext: this.public_authorities } : {}
    return {
        options: { ...opportunistic.options, ...context, ...(policy.base && { servername: policy.base }) },
        required: policy.required,
        refused: policy.kind === 'refuse' ? policy.reason : undefined,
        key: [policy.kind, policy.required, ...(policy.text ?? policy.patterns ?? [])].join(' '),
        verify: (socket) => {
            const wrong = breach(policy, chain_of(socket), socket.authorizationError ?? null)
            return wrong ? { kind: wrong.type, why: wrong.reason } : undefined
        },
        note,
    }
}

function chain_of(socket) {
    const chain = []
    const seen = new Set()
    let certificate = socket.getPeerX509Certificate()
    while (certificate && !seen.has(certificate.fingerprint256)) {
        seen.add(certificate.fingerprint256)
        chain.push(certificate)
        certificate = certificate.issuerCertificate
    }
    return chain
}

// ---- counts ---------------------------------------------------------------------------------------------------------

exports.count = function (domain, policy, mx, { kind, why }) {
    const failure = kind === 'success' ? (policy.flaw ?? null) : { type: kind, reason: why }
    const where = failure && { ...failure, mx: mx.from_dns, ip: mx.exchange }
    this.counts.count(domain, policy, where).catch((err) => this.logerror(`TLS-RPT: ${err.message}`))
}

exports.policy_failed = function (domain, err) {
    this.lognotice(`MTA-STS of ${domain}: ${err.message}`)
    const outcome = { kind: err.type ?? 'sts-policy-fetch-error', why: err.message }
    this.count(domain, { kind: 'sts', patterns: [] }, {}, outcome)
}
