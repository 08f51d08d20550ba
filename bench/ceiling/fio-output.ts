/** What fio says about a job, in its JSON; fio(1), "JSON OUTPUT". */

/** One job that was done. */
export interface FioJob {
  /** Bytes that reached the file: whole blocks only. */
  readonly writtenBytes: number
  /** Of the whole job, the fsync at its end included. Allocating and opening the file come before it. */
  readonly seconds: number
  /** CPU of the job's own process. fio's start, and the process that waits for the job, are not in it. */
  readonly cpuUserSeconds: number
  readonly cpuSystemSeconds: number
}

interface RawJob {
  readonly error: number
  /** Milliseconds. */
  readonly job_runtime: number
  /** Per cent of `job_runtime`. */
  readonly usr_cpu: number
  readonly sys_cpu: number
  readonly write: { readonly io_bytes: number }
}

/**
 * Reads the first job of fio's JSON output. fio prints warnings before the JSON, into the same file.
 *
 * @returns the job, or the errno that it failed with.
 * @throws when this is not such an output.
 */
export function parseFioOutput(text: string): FioJob | { readonly errno: number } {
  const job = firstJob(text)
  if (job.error !== 0) return { errno: job.error }
  const seconds = job.job_runtime / 1e3
  return {
    writtenBytes: job.write.io_bytes,
    seconds,
    cpuUserSeconds: (job.usr_cpu / 100) * seconds,
    cpuSystemSeconds: (job.sys_cpu / 100) * seconds,
  }
}

function firstJob(text: string): RawJob {
  const begin = /^\{/m.exec(text)?.index
  if (begin === undefined) throw new Error(`fio gave no JSON but: ${text.trim().slice(0, 200)}`)
  const output: { readonly jobs?: readonly Partial<RawJob>[] } = JSON.parse(text.slice(begin))
  const job = output.jobs?.[0]
  if (job === undefined) throw new Error('fio told of no job')
  const { error, job_runtime, usr_cpu, sys_cpu, write } = job
  const numbers = { error, job_runtime, usr_cpu, sys_cpu, io_bytes: write?.io_bytes }
  for (const [name, value] of Object.entries(numbers)) {
    if (typeof value !== 'number') throw new Error(`fio's output has no number in ${name}`)
  }
  return job as RawJob
}
