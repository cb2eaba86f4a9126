// What the sender is told of mail that could not be delivered: RFC 3464 in RFC 6522's multipart/report.

const { lines_of, TooLong } = require('./eightbit')

const MOST_HEADERS = 64 * 1024 // bytes of the original that are sent back
const LONGEST_LINE = 900 // characters; RFC 5322 2.1.1 has 998 with the field's name
const NAME = 'haraka-out'
const HIGH = /[\x80-\xff]/

// `failures`: [{ recipient, result }], see Attempt. `facts`: me, id, boundary, now, queued, sender. `chunks` is the
// original. Returns the message as it goes over SMTP, dots stuffed.
async function report(failures, facts, chunks) {
    const { me, id, boundary, now, sender } = facts
    const headers = await original_headers(chunks)
    const lines = [
        `Received: by ${me} for a bounce; ${date(now)}`,
        `Date: ${date(now)}`,
        `From: Mail delivery <MAILER-DAEMON@${me}>`,
        `To: <${sender}>`,
        'Subject: Undelivered mail returned to sender',
        `Message-ID: <${id}@${me}>`,
        'Auto-Submitted: auto-replied',
        'MIME-Version: 1.0',
        `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`,
        ...(HIGH.test(headers) ? ['Content-Transfer-Encoding: 8bit'] : []),
        '',
        `--${boundary}`,
        'Content-Type: text/plain; charset=us-ascii',
        '',
        ...for_people(failures, me),
        `--${boundary}`,
        'Content-Type: message/delivery-status',
        '',
        ...for_machines(failures, facts),
        `--${boundary}`,
        'Content-Type: text/rfc822-headers',
        ...(HIGH.test(headers) ? ['Content-Transfer-Encoding: 8bit'] : []),
        '',
    ]
    const text = `${lines.join('\r\n')}\r\n${headers}\r\n--${boundary}--\r\n`
    return Buffer.from(text.replace(/^\./gm, '..'), 'latin1')
}

function for_people(failures, me) {
    return [
        `This is the mail server ${me}.`,
        '',
        'Your message could not be delivered to:',
        '',
        ...failures.flatMap(({ recipient, result }) => [`    <${address(recipient)}>`, `    ${plain(result.reason)}`, '']),
        'It will not be tried again. The headers of your message follow below.',
        '',
    ]
}

function for_machines(failures, { me, now, queued }) {
    const about_message = [`Reporting-MTA: dns; ${me}`, `Arrival-Date: ${date(queued)}`, '']
    const about_recipients = failures.flatMap(({ recipient, result }) => [
        `Final-Recipient: rfc822; ${address(recipient)}`,
        'Action: failed',
        `Status: ${status(result)}`,
        ...(result.mx && result.reply ? [`Remote-MTA: dns; ${remote(result.mx)}`] : []),
        ...diagnosis(result),
        `Last-Attempt-Date: ${date(now)}`,
        '',
    ])
    return [...about_message, ...about_recipients]
}

// RFC 3463: the server's own, one that its code implies, or ours.
function status({ reply, status: ours, action }) {
    return reply ? (reply.status ?? `${reply.code[0]}.0.0`) : (ours ?? (action === 'failed' ? '5.0.0' : '4.4.1'))
}

// RFC 3464 2.3.6: only what the other server said is SMTP's.
function diagnosis({ reply, reason }) {
    return [`Diagnostic-Code: ${plain(reply ? `smtp; ${reply.text}` : `x-${NAME}; ${reason}`)}`]
}

function plain(text) {
    return text.replace(/[^\x20-\x7e]/g, '?').slice(0, LONGEST_LINE)
}

function remote({ from_dns, exchange }) {
    return from_dns || `[${exchange}]`
}

function address(recipient) {
    return recipient.format(true).replace(/^<|>$/g, '')
}

function date(when) {
    return new Date(when).toUTCString().replace('GMT', '+0000')
}

async function original_headers(chunks) {
    let text = ''
    try {
        for await (const line of lines_of(chunks)) {
            if (/^\r?\n$/.test(line) || text.length + line.length > MOST_HEADERS) break
            text += line.startsWith('..') ? line.slice(1) : line
        }
    } catch (err) {
        if (!(err instanceof TooLong)) throw err
    }
    return text
}

module.exports = { report }
