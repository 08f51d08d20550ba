// Every Node that a test starts begins with this, and so does every worker in it. A write through an engine that the
// test does not expect ends the process: nothing can overlook that.
import { writeSync } from 'node:fs'
import { watchWrites } from './engine-watch.mjs'

const allowed = (process.env.UNCACHED_IO_TEST_ENGINES ?? '').split(',')

watchWrites((engine) => {
  if (allowed.includes(engine)) return
  writeSync(2, `a write went through ${engine}; the test allows ${allowed.join(' and ')}\n`)
  process.kill(process.pid, 'SIGABRT')
})
