// A key or certificate that cannot be read or used leaves the one in use, and a line in the log. Haraka 3.3.4 reads both
// again when tls.ini changes, puts what it has read in place before it has tried it, and ends where that throws.
//
// A sender that asks for another name of this server (`certificate_names`, one a line) is shown the certificate for that:
// it lies beside the one in tls.ini, in a folder of that name, whole chain.
//
// Load it before tls.

const fs = require('node:fs')
const path = require('node:path')
const tls = require('node:tls')

exports.register = function () {
    const tls_socket = require('./tls_socket') // "./" is Haraka's own folder
    const load = tls_socket.load_tls_ini.bind(tls_socket)
    const usual = tls_socket.SNICallback
    const names = this.config.get('certificate_names', 'list')
    const contexts = new Map()
    let good = null

    tls_socket.SNICallback = (name, done) => {
        const context = contexts.get(name.toLowerCase())
        return context ? done(null, context) : usual(name, done)
    }

    tls_socket.load_tls_ini = (opts) => {
        try {
            const cfg = load(opts)
            const options = { ...tls_socket.certsByHost['*'] }
            if (!options.key?.[0] || !options.cert?.[0]) throw new Error('one of the files is not there')
            tls.createSecureContext(options) // throws where they do not fit
            good = { cfg, options }
            for (const name of names) this.read(name, options, path.dirname(cfg.main.key), contexts)
            return cfg
        } catch (err) {
            if (!good) throw err // at the start: systemd tries again
            this.logcrit(`the key or the certificate cannot be used, the old ones stay: ${err.message}`)
            Object.assign(tls_socket.certsByHost['*'], good.options)
            tls_socket.cfg = good.cfg
            return good.cfg
        }
    }
}

// One that cannot be used leaves the one in use.
exports.read = function (name, options, folder, contexts) {
    try {
        const [key, cert] = ['key.pem', 'cert.pem'].map((file) => fs.readFileSync(path.join(folder, name, file)))
        contexts.set(name, tls.createSecureContext({ ...options, key, cert }))
    } catch (err) {
        this.logcrit(`the key or the certificate for ${name} cannot be used: ${err.message}`)
    }
}
