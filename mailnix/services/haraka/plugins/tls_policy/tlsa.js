// What a server's certificates must be where its TLSA records are secure (RFC 7672, RFC 7671).
//
// A record is { usage, selector, matching, data: Buffer }; a chain is a list of X509Certificate, the server's own first,
// as the server sent it.

const crypto = require('node:crypto')

const DANE_TA = 2
const DANE_EE = 3
const DIGESTS = { 1: { name: 'sha256', bytes: 32 }, 2: { name: 'sha512', bytes: 64 } }
const FULL = 0
const SPKI = 1

// Usages 0 and 1 need public authorities, about which SMTP servers agree on nothing: not usable (RFC 7672 3.1.3).
function is_usable({ usage, selector, matching, data }) {
    if (![DANE_TA, DANE_EE].includes(usage) || ![0, SPKI].includes(selector)) return false
    if (matching !== FULL) return data.length === DIGESTS[matching]?.bytes
    return parsed(selector, data) !== null
}

// The records that count: the usable ones, and of digests over the same thing only the strongest (RFC 7671 9).
function usable(records) {
    const good = records.filter(is_usable)
    return good.filter(
        (record) =>
            record.matching === FULL ||
            !good.some(
                (other) =>
                    other.usage === record.usage &&
                    other.selector === record.selector &&
                    other.matching > record.matching,
            ),
    )
}

function parsed(selector, data) {
    try {
        return selector === SPKI
            ? { key: crypto.createPublicKey({ key: data, format: 'der', type: 'spki' }) }
            : { certificate: new crypto.X509Certificate(data) }
    } catch {
        return null
    }
}

function selected({ selector }, certificate) {
    return selector === SPKI ? certificate.publicKey.export({ format: 'der', type: 'spki' }) : certificate.raw
}

function is_of(record, certificate) {
    const bytes = selected(record, certificate)
    const digest = DIGESTS[record.matching]
    return (digest ? crypto.createHash(digest.name).update(bytes).digest() : bytes).equals(record.data)
}

// Why the server is not the one that the records mean, as { type, reason } with a result type of RFC 8460, or null.
// `names` are what a usage-2 server's certificate may be for; `now` is a Date.
function mismatch(records, chain, names, now = new Date()) {
    const [leaf] = chain
    if (!leaf) return { type: 'validation-failure', reason: 'no certificate' }
    if (records.some((record) => record.usage === DANE_EE && is_of(record, leaf))) return null
    const anchors = records.filter(({ usage }) => usage === DANE_TA)
    if (!anchors.length) return { type: 'validation-failure', reason: 'its certificate is not that of its TLSA records' }
    return anchored(anchors, chain, now) ?? misnamed(leaf, names)
}

function misnamed(leaf, names) {
    if (names.some((name) => leaf.checkHost(name, { partialWildcards: false }))) return null
    return { type: 'certificate-host-mismatch', reason: `its certificate is for another name than ${names.join(' or ')}` }
}

// Walks from the server's certificate to one that a record names as trust anchor; each step must hold.
function anchored(anchors, chain, now) {
    for (const [depth, certificate] of chain.entries()) {
        if (depth > 0) {
            const below = chain[depth - 1]
            if (!certificate.ca || !issued(below, certificate, certificate.publicKey)) break
        }
        if (now < new Date(certificate.validFrom) || now > new Date(certificate.validTo)) {
            return { type: 'certificate-expired', reason: 'a certificate of it is not valid now' }
        }
        if (depth > 0 && anchors.some((record) => is_of(record, certificate))) return null
        if (anchors.some((record) => record.matching === FULL && signs(record, certificate))) return null
    }
    return { type: 'certificate-not-trusted', reason: 'no certificate of its chain is that of its TLSA records' }
}

// A record may hold the whole trust anchor, which the server then need not send.
function signs({ selector, data }, certificate) {
    const anchor = parsed(selector, data)
    if (anchor.key) return verifies(certificate, anchor.key)
    return anchor.certificate.ca && issued(certificate, anchor.certificate, anchor.certificate.publicKey)
}

function issued(certificate, issuer, key) {
    return certificate.checkIssued(issuer) && verifies(certificate, key)
}

function verifies(certificate, key) {
    try {
        return certificate.verify(key)
    } catch {
        return false // a key of another kind than the signature
    }
}

module.exports = { is_usable, mismatch, usable }
