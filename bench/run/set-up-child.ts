/** Started by set-up.ts: makes what a workload's runs start from, and says how it went. Arguments: workload, folder, bytes. */
import { mkdir } from 'node:fs/promises'
import { messageOf } from '../errors.ts'
import { workloadNamed } from '../workloads/index.ts'

process.on('SIGINT', () => {})
const endWithParent = () => process.exit(1)
process.on('disconnect', endWithParent)

async function setUp(): Promise<string | null> {
  const [workload, folder, bytes] = process.argv.slice(2)
  if (workload === undefined || folder === undefined) throw new Error('started without a workload and a folder')
  try {
    await mkdir(folder)
    await workloadNamed(workload).setUp?.(folder, Number(bytes))
    return null
  } catch (error) {
    return messageOf(error)
  }
}

const wrong = await setUp()
process.send?.({ wrong }, () => {
  process.off('disconnect', endWithParent)
  process.disconnect()
})
