/** The report as a file. */
import { access, constants, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, messageOf } from '../errors.ts'

/** @returns why the report could not be written to `path` in the end, as far as that can be told before; or `null`. */
export async function whyNotWritable(path: string): Promise<string | null> {
  try {
    const existing = await stat(path).catch(() => null)
    if (existing?.isDirectory()) return `${path} is a folder`
    await access(existing === null ? dirname(path) : path, constants.W_OK)
    return null
  } catch (error) {
    return `${path} cannot be written (${codeOf(error)})`
  }
}

/** Writes the report. @returns why that was not possible, or `null`. */
export async function whyNotWritten(path: string, report: object): Promise<string | null> {
  return await whyTextNotWritten(path, `${JSON.stringify(report, null, 2)}\n`)
}

/** Likewise. */
export async function whyTextNotWritten(path: string, text: string): Promise<string | null> {
  try {
    await writeFile(path, text)
    return null
  } catch (error) {
    return messageOf(error)
  }
}
