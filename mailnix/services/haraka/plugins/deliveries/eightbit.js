// A message with 8-bit bodies for a server without 8BITMIME (RFC 6152): each such part as quoted-printable.
//
// The message is read twice: first to see which parts have 8-bit bytes, then to write those anew and the rest as it is.
// Signatures over the body break, as they do with Postfix, which converts too: nearly all our mail is signed, so to
// bounce signed mail would be to bounce all of it, while SPF, which lists this server, still speaks for the sender.
// Header lines stay as they are, also as with Postfix.
//
// A line or a part's header is held while it is looked at, so one that is too long for that is not converted: the mail
// bounces (RFC 3463: 5.6.3). Nobody writes such mail, but whoever did would end haraka-out, again at every start.

const { isAscii } = require('node:buffer')

const DEEPEST = 20 // parts within parts
const LONGEST_LINE = 76 // RFC 2045 6.7
const HELD = 1024 * 1024 // bytes of a line, or of a part's header, at most
const HIGH = /[\x80-\xff]/

class TooLong extends Error {}

// The lines of a stream of chunks, with their ends, as latin1 strings: a character a byte. Throws TooLong.
async function* lines_of(chunks) {
    let rest = ''
    for await (const chunk of chunks) {
        const text = chunk.toString('latin1')
        const end = text.lastIndexOf('\n') + 1
        if (end) {
            for (const line of (rest + text.slice(0, end)).match(/[^\n]*\n/g)) yield line
            rest = ''
        }
        rest += text.slice(end)
        if (rest.length > HELD) throw new TooLong('a line is too long')
    }
    if (rest) yield rest
}

// Walks through MIME. Yields [kind, part number, lines]: a whole 'header' with the empty line behind it, a 'body' line,
// or one that is 'between' parts.
async function* walk(lines) {
    const boundaries = [] // of the parts that we are in
    let [part, header, held, between] = [0, [], 0, false]
    for await (const line of lines) {
        const level = delimiter(line, boundaries)
        if (level >= 0) {
            if (header?.length) yield ['header', part, header]
            const closing = line.startsWith(`--${boundaries[level]}--`)
            boundaries.length = closing ? level : level + 1
            yield ['between', part, [line]]
            part += 1
            between = closing
            header = closing ? null : []
            held = 0
        } else if (header) {
            header.push(line)
            held += line.length
            if (held > HELD) throw new TooLong("a part's header is too long")
            if (!/^\r?\n$/.test(line)) continue
            held = 0
            yield ['header', part, header]
            const { type, boundary } = content(header)
            const deeper = boundaries.length < DEEPEST
            between = Boolean(boundary) && deeper
            if (between) boundaries.push(boundary)
            header = /^message\/(rfc822|global)$/.test(type) && deeper ? [] : null
            part += 1
        } else {
            yield [between ? 'between' : 'body', part, [line]]
        }
    }
    if (header?.length) yield ['header', part, header]
}

function delimiter(line, boundaries) {
    if (!line.startsWith('--')) return -1
    const text = line.trimEnd()
    return boundaries.findLastIndex((boundary) => text === `--${boundary}` || text === `--${boundary}--`)
}

function content(header) {
    const unfolded = header.join('').replace(/\r?\n[ \t]/g, ' ')
    const value = (name) => new RegExp(`^${name}[ \\t]*:(.*)$`, 'im').exec(unfolded)?.[1].trim() ?? ''
    const type = value('content-type')
    const boundary = /;\s*boundary\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s;]+))/i.exec(type)
    return {
        type: type.split(';')[0].trim().toLowerCase(),
        boundary: /^multipart\//i.test(type) && boundary ? (boundary[1] ?? boundary[2]).replace(/\\(.)/g, '$1') : '',
        encoding: value('content-transfer-encoding').toLowerCase(),
    }
}

// Whether there is any 8-bit byte.
async function eight_bit(chunks) {
    for await (const chunk of chunks) if (!isAscii(chunk)) return true
    return false
}

// The numbers of the parts with 8-bit bytes in their bodies.
async function eight_bit_parts(chunks) {
    const parts = new Set()
    for await (const [kind, part, lines] of walk(lines_of(chunks))) {
        if (kind !== 'header' && HIGH.test(lines[0])) parts.add(kind === 'body' ? part : -1)
    }
    return parts
}

// The same message with those parts encoded, as chunks. A line that SMTP has stuffed with a dot is stuffed again.
async function* converted(chunks, parts) {
    let encoding = ''
    for await (const [kind, part, lines] of walk(lines_of(chunks))) {
        if (kind === 'header') {
            encoding = content(lines).encoding
            const text = parts.has(part + 1) ? declared(lines, encoding, part === 0) : undeclared(lines, encoding)
            yield Buffer.from(text, 'latin1')
        } else if (kind === 'body' && parts.has(part)) {
            yield Buffer.from(encoded(lines[0], encoding), 'latin1')
        } else {
            yield Buffer.from(lines[0].replace(/[\x80-\xff]/g, '?'), 'latin1') // beside parts: shown by nobody
        }
    }
}

const ENCODING = /^content-transfer-encoding[ \t]*:.*(?:\r?\n[ \t].*)*\r?\n/im

function declared(header, encoding, first) {
    if (['quoted-printable', 'base64'].includes(encoding)) return header.join('')
    const text = header.join('').replace(ENCODING, '')
    const end = /\r?\n$/.exec(text)[0]
    const version = first && !/^mime-version[ \t]*:/im.test(text) ? 'MIME-Version: 1.0\r\n' : ''
    return `${text.slice(0, -end.length)}${version}Content-Transfer-Encoding: quoted-printable\r\n${end}`
}

// A container, or a part that is 7-bit in truth.
function undeclared(header, encoding) {
    const text = header.join('')
    return ['8bit', 'binary'].includes(encoding)
        ? text.replace(ENCODING, 'Content-Transfer-Encoding: 7bit\r\n')
        : text
}

function encoded(line, encoding) {
    if (encoding === 'base64') return line.replace(/[\x80-\xff]/g, '') // as its decoder would do
    const stuffed = line.startsWith('..') ? line.slice(1) : line
    const [, text, end] = /^([^\n]*?)(\r?\n|)$/s.exec(stuffed)
    const hex = (char) => `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
    const unsafe = encoding === 'quoted-printable' ? /[\x80-\xff]/g : /[^\t\x20-\x3c\x3e-\x7e]|[ \t]$/g
    const tokens = text.replace(unsafe, hex).match(/=[0-9A-F]{2}|[^]/g) ?? []
    let [written, width] = ['', 0]
    for (const token of tokens) {
        if (encoding !== 'quoted-printable' && width + token.length >= LONGEST_LINE) {
            written += '=\r\n'
            width = 0
        }
        if (token === '.' && width === 0) written += '.'
        written += token
        width += token.length
    }
    return written + end
}

module.exports = { converted, eight_bit, eight_bit_parts, lines_of, TooLong }
