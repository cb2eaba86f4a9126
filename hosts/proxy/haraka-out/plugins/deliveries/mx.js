// Where mail for a domain goes: RFC 5321 5.1, with RFC 7505 (no mail at all) and what Postfix makes of mistakes.

const net = require('node:net')
const os = require('node:os')

const NONE = ['ENOTFOUND', 'ENODATA'] // no such name, no such record: everything else is for now

// The mail goes nowhere: for ever (`final`), or for now. `status` is RFC 3463's.
class NoRoute extends Error {
    constructor(message, final, status) {
        super(message)
        Object.assign(this, { final, status })
    }
}

// The addresses to try, best first, as { exchange, from_dns, priority }.
async function route(domain, resolver) {
    const literal = /^\[(?:ipv6:)?([0-9a-f.:]+)\]$/i.exec(domain)?.[1]
    return literal ? [{ exchange: literal, from_dns: literal, priority: 0 }] : await look_up(domain, resolver)
}

// Those that are better than ourselves (RFC 5321 5.1): mail would go in circles else. `is_home` knows our addresses;
// what is not from DNS was told by our own configuration, and may be here.
function elsewhere(found, domain, is_home) {
    const here = found.filter((mx) => mx.from_dns && !mx.smarthost && is_home(mx.exchange))
    if (!here.length) return found
    const own = Math.min(...here.map(({ priority }) => priority))
    const nearer = found.filter(({ priority }) => priority < own)
    if (nearer.length) return nearer
    const { from_dns, exchange } = here.find(({ priority }) => priority === own)
    throw new NoRoute(`mail for ${domain} loops back: its server ${from_dns} is ${exchange}, this one`, true, '5.4.6')
}

// Those that this machine can reach: without a global IPv6 address of its own (RFC 4291 2.5.4) no one's is, and its
// "network is unreachable" would stand in the place of what the server said over IPv4. As with getaddrinfo's
// AI_ADDRCONFIG and Postfix's inet_protocols. Who has nothing else keeps them: the mail waits, and says why.
function within_reach(found, interfaces = os.networkInterfaces) {
    const global = new net.BlockList()
    global.addSubnet('2000::', 3, 'ipv6')
    if (on(interfaces).some((own) => net.isIPv6(own) && global.check(own, 'ipv6'))) return found
    const usable = found.filter(({ from_dns, exchange }) => !from_dns || !net.isIPv6(exchange))
    return usable.length ? usable : found
}

async function look_up(domain, resolver) {
    const records = await ask(() => resolver.resolveMx(domain))
    if (records.length === 1 && records[0].exchange === '') {
        throw new NoRoute(`${domain} takes no mail (null MX)`, true, '5.1.10')
    }
    const names = records.length ? records : [{ exchange: domain, priority: 0 }]
    const answers = await Promise.allSettled(names.map(({ exchange, priority }) => addresses(exchange, priority, resolver)))
    const found = answers.filter(({ status }) => status === 'fulfilled').flatMap(({ value }) => value)
    if (found.length) return found.sort(better)
    const failed = answers.find(({ status }) => status === 'rejected')
    if (failed) throw failed.reason
    throw new NoRoute(`${domain} has no mail server: neither MX nor address records lead to one`, true, '5.1.2')
}

function better(one, other) {
    return one.priority - other.priority || one.order - other.order
}

// IPv4 before IPv6 at each preference: receivers are stricter with IPv6. Hosts of one preference take turns.
async function addresses(name, priority, resolver) {
    const [four, six] = await Promise.allSettled([
        ask(() => resolver.resolve4(name)),
        ask(() => resolver.resolve6(name)),
    ])
    const turn = Math.random()
    const of = (answer, order) =>
        (answer.value ?? []).map((exchange) => ({ exchange, from_dns: name.toLowerCase(), priority, order }))
    const found = [...of(four, turn), ...of(six, 1 + turn)]
    const failed = [four, six].find(({ status }) => status === 'rejected')
    if (!found.length && failed) throw failed.reason
    return found
}

async function ask(question) {
    try {
        return await question()
    } catch (err) {
        if (NONE.includes(err.code)) return []
        throw new NoRoute(`the domain name service does not answer: ${err.message}`, false, '4.4.3')
    }
}

// Whether an address is this machine: one that means "here" everywhere, one of its interfaces', or a public one, which
// behind a provider's NAT is on none. IPv4 addresses are also found inside IPv6 ones.
function home(public_addresses, interfaces = os.networkInterfaces) {
    return (address) => {
        const here = new net.BlockList()
        here.addSubnet('127.0.0.0', 8, 'ipv4')
        here.addSubnet('0.0.0.0', 8, 'ipv4')
        for (const own of ['::', '::1', ...public_addresses, ...on(interfaces)]) {
            if (net.isIP(own)) here.addAddress(own, family(own))
        }
        return here.check(address, family(address))
    }
}

// The address that connections to another come from: our public one of its kind, which has the reverse name and is in
// SPF, whatever else the card has. Undefined where it is on no interface, as behind a provider's NAT: bound to it all
// the same (net.ipv4.ip_nonlocal_bind is set, for the tunnel's sake), a connection would never be answered.
function source(public_addresses, interfaces = os.networkInterfaces) {
    return (address) => {
        const here = on(interfaces)
        return public_addresses.find((own) => family(own) === family(address) && here.includes(own))
    }
}

function on(interfaces) {
    return Object.values(interfaces()).flatMap((each) => each.map((known) => known.address))
}

function family(address) {
    return net.isIPv6(address) ? 'ipv6' : 'ipv4'
}

module.exports = { addresses, better, elsewhere, home, route, source, within_reach, NoRoute }
