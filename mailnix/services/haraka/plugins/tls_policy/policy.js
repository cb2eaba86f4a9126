// What a mail server must prove before mail for a domain is given to it: the one place that says so.
//
// A policy is { kind, required, … }:
//   none     nothing: TLS where it is offered
//   encrypt  TLS, no matter whose: there are secure TLSA records, and none that can be used, a `flaw` (RFC 7672 2.2)
//   dane     TLS and the certificate that `records` mean; `names` are what it may be for, `base` is the SNI
//   sts      TLS and a certificate of a public authority for `host`; in testing mode not `required`
//   refuse   no delivery there now, for a `reason` with a `type` of RFC 8460
// DANE goes first, and where it fails MTA-STS does not make up for it (RFC 8461 2).

const { LookupError } = require('./names')
const { covers } = require('./sts')
const { mismatch, usable } = require('./tlsa')

const UNUSABLE = { type: 'tlsa-invalid', reason: 'none of its TLSA records can be used' }
const NONE = { kind: 'none', required: false }

// `names` is a Names, `policies` a Policies, `known` remembers which servers had DANE.
class Policy {
    constructor({ names, policies, known }) {
        this.names = names
        this.policies = policies
        this.known = known
    }

    // Of a server for a domain's mail.
    async of(domain, host, port) {
        const dane = await this.dane(domain, host, port)
        if (dane && dane.kind !== 'encrypt') return dane
        const sts = await this.sts(domain, host)
        return sts?.required || !dane ? (sts ?? NONE) : dane
    }

    async dane(domain, host, port) {
        const lost = (why) => refuse('dane', 'dnssec-invalid', `its TLSA records cannot be looked up: ${why}`)
        if (!(await this.names.works())) {
            return (await this.known.has(host)) ? lost('the resolver reaches nothing, and it had some') : null
        }
        try {
            return await this.secure_dane(domain, host, port)
        } catch (err) {
            if (err instanceof LookupError) return lost(err.message)
            throw err
        }
    }

    async secure_dane(domain, host, port) {
        const bases = await this.bases(host)
        for (const base of bases) {
            const answer = await this.names.lookup(`_${port}._tcp.${base}`, 'TLSA')
            if (!answer.secure || !answer.records.length) continue
            const all = answer.records.map(({ data }) => data)
            const records = usable(all)
            const text = all.map((r) => `${r.usage} ${r.selector} ${r.matching} ${r.data.toString('hex')}`)
            if (!records.length) return { kind: 'encrypt', required: true, base, text, flaw: UNUSABLE }
            await this.known.add(host)
            const names = [base, host, ...((await this.names.lookup(domain, 'MX')).secure ? [domain] : [])]
            return { kind: 'dane', required: true, base, names: [...new Set(names)], records, text }
        }
        await this.known.remove(host)
        return null
    }

    // The names under which a server's TLSA records count; none where its addresses are not secure. An alias counts by
    // what it leads to, then by itself (RFC 7672 2.2.3); where it leads out of what is secure, by itself.
    async bases(host) {
        const settled = await Promise.allSettled(['A', 'AAAA'].map((type) => this.names.lookup(host, type)))
        const found = settled.map(({ value }) => value).filter((answer) => answer?.records.length)
        if (!found.length) {
            const failed = settled.find(({ status }) => status === 'rejected')
            if (failed) throw failed.reason
            return []
        }
        const alias = found.map((answer) => answer.alias).find(Boolean)
        if (found.every(({ secure }) => secure)) return alias ? [alias, host] : [host]
        return alias && (await this.names.lookup(host, 'CNAME')).secure ? [host] : []
    }

    async sts(domain, host) {
        const policy = await this.policies.of(domain)
        if (!policy) return null
        const required = policy.mode === 'enforce'
        const listed = covers(policy.mx, host)
        if (required && !listed) {
            return refuse('sts', 'validation-failure', `the MTA-STS policy of ${domain} does not name it`, policy.mx)
        }
        return { kind: 'sts', required, host, listed, base: host, patterns: policy.mx }
    }
}

function refuse(of, type, reason, patterns) {
    return { kind: 'refuse', required: true, of, type, reason, patterns }
}

// Whether a connection under TLS keeps a policy: null, or what is wrong as { type, reason }. `untrusted` is why its
// chain leads to no public authority, or null.
function breach(policy, chain, untrusted, now = new Date()) {
    switch (policy.kind) {
        case 'dane':
            return mismatch(policy.records, chain, policy.names, now)
        case 'sts':
            return sts_breach(policy, chain, untrusted)
    }
    return null
}

function sts_breach({ host, listed }, [leaf], untrusted) {
    if (!listed) return { type: 'validation-failure', reason: 'the MTA-STS policy does not name it' }
    if (untrusted) {
        const type = untrusted === 'CERT_HAS_EXPIRED' ? 'certificate-expired' : 'certificate-not-trusted'
        return { type, reason: `its certificate is not trusted: ${untrusted}` }
    }
    if (leaf.checkHost(host, { subject: 'never', partialWildcards: false })) return null
    return { type: 'certificate-host-mismatch', reason: `its certificate is not for ${host}` }
}

module.exports = { Policy, breach }
