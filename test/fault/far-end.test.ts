import { expect, test } from 'vitest'
import { positionMax } from '../../src/plan.ts'
import { faultyBinding, openForTest } from '../support/faults.ts'
import { freshPath, temporaryFolder } from '../support/folders.ts'

const folder = temporaryFolder()

test('no write ends where positions would be rounded, whatever the file system takes', async () => {
  const asked: number[] = []
  const pwrite = (...[, , , , position]: unknown[]): never => {
    asked.push(position as number)
    throw new Error('the kernel was asked')
  }
  const options = { start: positionMax - 4096, bufferSize: 65536 }
  const writer = await openForTest(freshPath(folder), options, { binding: faultyBinding({ pwrite }) })
  await writer.write(Buffer.alloc(4097, 1))
  await expect(writer.flush()).rejects.toMatchObject({
    code: 'EFBIG',
    syscall: 'pwritev2',
    position: positionMax - 4096,
  })
  // It is final, as the kernel's EFBIG is.
  await expect(writer.write(Buffer.alloc(1))).rejects.toMatchObject({ code: 'EFBIG' })
  expect(asked).toEqual([])
})
