// Takes responsibility for outbound mail only when it is really on disk.
//
// Haraka writes and syncs a queue file under a temporary name, renames it, and answers 250 without syncing the folder:
// after a power cut the temporary name may be back, and Haraka deletes such files when it starts. So sync the folder
// first. And where the queue cannot be written (disk full), Haraka answers 550 and the mail bounces: say 450 instead.

const fs = require('node:fs/promises')

async function sync_folder(path) {
    const folder = await fs.open(path, 'r')
    try {
        await folder.sync()
    } finally {
        await folder.close()
    }
}

exports.hook_queue_outbound = function (next, connection) {
    const outbound = require('./outbound') // "./" is Haraka's own folder
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
