// Which mail is delivered next.
//
// Mails wait in line behind those for the same domain, by the time that they became due; domains take turns, and none has
// more than a few deliveries at once. A slot belongs to who is talking: a delivery whose receiver has said nothing for
// some seconds gives its slot back and goes on beside the others, so that silent servers, however many, hold up nobody.
// Only names of queue files are kept for mails that wait, so that memory does not grow with mails.

class Slots {
    // `settings`: deliveries `total`, `per_domain`, silent ones `beside`; `silence` in seconds. `deliver(file, domain,
    // slot)` is awaited.
    constructor(settings, deliver) {
        this.settings = settings
        this.deliver = deliver
        this.lines = new Map() // domain → { waiting: [file], busy }, in the order of their turns
        this.talking = 0
        this.silent = 0
        this.length = 0
        this.returning = [] // deliveries that want their slot back, before new ones begin
    }

    add(file, domain) {
        const line = this.lines.get(domain) ?? { waiting: [], busy: 0 }
        this.lines.set(domain, line)
        line.waiting.push(file)
        this.length += 1
        this.soon()
    }

    soon() {
        if (this.scheduled) return
        this.scheduled = true
        setImmediate(() => {
            this.scheduled = false
            this.begin()
        })
    }

    begin() {
        const { total, beside } = this.settings
        while (this.talking < total && this.returning.length) this.returning.shift()()
        while (this.talking < total && this.talking + this.silent < total + beside) {
            const next = this.next()
            if (!next) return
            this.run(...next)
        }
    }

    next() {
        for (const [domain, line] of this.lines) {
            if (!line.waiting.length || line.busy >= this.settings.per_domain) continue
            this.lines.delete(domain)
            this.lines.set(domain, line) // its next turn is after everybody else's
            line.busy += 1
            return [line.waiting.shift(), domain, line]
        }
        return undefined
    }

    async run(file, domain, line) {
        const slot = new Slot(this)
        try {
            await this.deliver(file, domain, slot)
        } finally {
            slot.end()
            this.length -= 1
            line.busy -= 1
            if (!line.busy && !line.waiting.length) this.lines.delete(domain)
            this.soon()
        }
    }
}

class Slot {
    constructor(slots) {
        this.slots = slots
        this.state = 'none'
        this.talk()
    }

    // Called at every sign of life.
    heard() {
        if (this.state === 'waiting' || this.state === 'ended') return
        this.talk()
    }

    talk() {
        clearTimeout(this.timer)
        this.set('talking')
        this.timer = setTimeout(() => this.set('silent'), this.slots.settings.silence * 1000)
    }

    // Waiting for a turn at a host: no slot.
    pause() {
        clearTimeout(this.timer)
        this.set('waiting')
    }

    async resume() {
        await new Promise((resolve) => {
            this.slots.returning.push(() => {
                this.talk()
                resolve()
            })
            this.slots.soon()
        })
    }

    end() {
        clearTimeout(this.timer)
        this.set('ended')
    }

    set(state) {
        const { slots } = this
        if (this.state === 'talking') slots.talking -= 1
        if (this.state === 'silent') slots.silent -= 1
        this.state = state
        if (state === 'talking') slots.talking += 1
        if (state === 'silent') slots.silent += 1
        if (state !== 'talking') slots.soon()
    }
}

module.exports = { Slots }
