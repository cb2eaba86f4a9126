// What a flood has filled is garbage afterwards, which V8 keeps as long as nothing new comes. So when it is over, we ask.

const v8 = require('node:v8')
const vm = require('node:vm')

v8.setFlagsFromString('--expose-gc')
const collect_garbage = vm.runInNewContext('gc')

const FEW = 0.25 // of all slots

class Memory {
    constructor(slots) {
        this.slots = slots
        this.flooded = false
    }

    look() {
        const { sessions, lingering, limits, nearly_full } = this.slots
        if (nearly_full) {
            this.flooded = true
        } else if (this.flooded && sessions.size + lingering.size < limits.total * FEW) {
            this.flooded = false
            collect_garbage()
        }
    }
}

exports.Memory = Memory
