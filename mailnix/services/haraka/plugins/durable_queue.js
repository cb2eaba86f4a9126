// Takes responsibility for outbound mail only when it is really on disk.
//
// Haraka writes and syncs a queue file under a temporary name, renames it, and answers 250 without syncing the folder:
// after a power cut the temporary name may be back, and Haraka deletes such files when it starts. So sync the folder
// first. And where the queue cannot be written (disk full), Haraka answers 550 and the mail bounces: say 450 instead.
//
// The same for mail that bounces: Haraka removes it even if the bounce could not be queued, so that nobody ever hears of
// it. Keep it where it is, and try it again later. Not by temp_fail(): that renames the queue file first, and bounces
// the mail where it can't.

const fs = require('node:fs/promises')

async function sync_folder(path) {
    const folder = await fs.open(path, 'r')
    try {
        await folder.sync()
    } finally {
        await folder.close()
    }
}

exports.register = function () {
    const outbound = require('./outbound') // "./" is Haraka's own folder
    const { cfg } = require('./outbound/config')
    const HMailItem = require('./outbound/hmail')
    const { delivery_queue, temp_fail_queue } = require('./outbound/queue')

    // Haraka does not tell send_email which mail bounces (its `origin` is empty), but calls it from this callback.
    let bouncing
    const { populate_bounce_message } = HMailItem.prototype
    HMailItem.prototype.populate_bounce_message = function (from, to, reason, next) {
        populate_bounce_message.call(this, from, to, reason, (...made) => {
            bouncing = this
            next(...made)
            bouncing = undefined
        })
    }

    const keep = (hmail, message) => {
        this.logerror(`${hmail.filename}: its bounce cannot be queued, the mail is kept: ${message}`)
        hmail.next_cb()
        temp_fail_queue.add(hmail.filename, cfg.temp_fail_intervals[0] * 1000, () => delivery_queue.push(hmail))
    }
    const { send_email } = outbound
    outbound.send_email = (from, to, contents, next, options) => {
        const hmail = bouncing
        const done = (code, message) => (hmail && code === DENYSOFT ? keep(hmail, message) : next(code, message))
        send_email.call(outbound, from, to, contents, done, options)
    }
}

exports.hook_queue_outbound = function (next, connection) {
    const outbound = require('./outbound')
    const { queue_dir } = require('./outbound/queue')

    outbound.send_trans_email(connection.transaction, async (code, message) => {
        if (code !== OK) {
            connection.logerror(this, `cannot queue: ${message}`)
            return next(DENYSOFT, 'The mail cannot be queued right now, try again later')
        }
        try {
            await sync_folder(queue_dir)
        } catch (err) {
            // queued all the same, and on its way: a refusal now would make it arrive twice
            connection.logerror(this, `cannot sync ${queue_dir}: ${err.message}`)
        }
        next(OK, message)
    })
}
