// A key or certificate that cannot be read or used leaves the one in use, and a line in the log. Haraka 3.3.4 reads both
// again when tls.ini changes, puts what it has read in place before it has tried it, and ends where that throws.
//
// Load it before tls.

const tls = require('node:tls')

exports.register = function () {
    const tls_socket = require('./tls_socket') // "./" is Haraka's own folder
    const load = tls_socket.load_tls_ini.bind(tls_socket)
    let good = null

    tls_socket.load_tls_ini = (opts) => {
        try {
            const cfg = load(opts)
            const options = { ...tls_socket.certsByHost['*'] }
            if (!options.key?.[0] || !options.cert?.[0]) throw new Error('one of the files is not there')
            tls.createSecureContext(options) // throws where they do not fit
            good = { cfg, options }
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
