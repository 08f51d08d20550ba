/** What is asked for: a profile, and what the command line says otherwise; checked. */
import { parseOrExplain, readCount, readNames, readPath, readSize, UsageError } from './arguments.ts'
import { DEFAULT_PROFILE, QUICK_PROFILE, readProfile } from './profile.ts'
import type { Profile } from './schema/profile.ts'
import { type Situation, situations } from './schema/run.ts'

export interface WorkloadChoice {
  readonly name: string
  /** `null` is the workload's own length. */
  readonly bytes: number | null
  readonly situations: readonly Situation[]
  /** `null` is all subjects asked for. */
  readonly subjects: readonly string[] | null
}

/** `null` is what the neighbour has by itself. */
export interface NeighbourChoice {
  readonly hotBytes: number | null
  readonly limitBytes: number | null
  readonly readsPerSecond: number | null
  readonly writeBytesPerSecond: number | null
  readonly subjects: readonly string[] | null
}

export type Mode = 'bench' | 'sweep' | 'matrix'

export interface Options {
  readonly mode: Mode
  /** The profile's name or path. */
  readonly profile: string
  /** Folder to write in; `null` is a temporary folder beside the project. */
  readonly dir: string | null
  /** What `--bytes` said for all workloads; `null` when it was not given. */
  readonly bytesAsked: number | null
  readonly rounds: number
  /** Stop after the round that would pass this many seconds; `null` when the rounds were asked for. */
  readonly timeBudgetSeconds: number | null
  readonly subjects: readonly string[]
  readonly workloads: readonly WorkloadChoice[]
  readonly neighbour: NeighbourChoice
  /** Whether fio runs beside the subjects, as the ceiling. */
  readonly ceiling: boolean
  readonly jsonFile: string | null
  readonly htmlFile: string | null
  readonly textFile: string | null
  readonly metricsPort: number | null
}

export interface Known {
  readonly subjects: readonly string[]
  readonly workloads: readonly string[]
}

/** A limit against slips of the finger: a thousand rounds are most of a day. */
const ROUNDS_MAX = 1000
/** Where neither a profile nor the command line says: the fewest that allow a verdict. */
const ROUNDS = 5
const PORT_MAX = 65_535

const optionTypes = {
  quick: { type: 'boolean', default: false },
  profile: { type: 'string' },
  sweep: { type: 'boolean', default: false },
  matrix: { type: 'boolean', default: false },
  dir: { type: 'string' },
  bytes: { type: 'string' },
  rounds: { type: 'string' },
  subjects: { type: 'string', multiple: true },
  workloads: { type: 'string', multiple: true },
  situations: { type: 'string', multiple: true },
  ceiling: { type: 'boolean', default: false },
  json: { type: 'string' },
  html: { type: 'string' },
  textfile: { type: 'string' },
  'metrics-port': { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof parseOrExplain<typeof optionTypes>>

/**
 * Reads the arguments after the script's name.
 *
 * @returns `'help'` when that was asked for.
 * @throws {UsageError} for anything unknown or malformed, in the profile as well.
 */
export function readOptions(args: readonly string[], known: Known): Options | 'help' {
  const values = parseOrExplain(args, optionTypes)
  if (values.help) return 'help'
  if (values.quick && values.profile !== undefined) throw new UsageError('--quick is a profile: not with --profile')
  const profileName = readPath('--profile', values.profile) ?? (values.quick ? QUICK_PROFILE : DEFAULT_PROFILE)
  const profile = readProfile(profileName)
  const mode = readMode(values, profile)
  const rounds = values.rounds === undefined ? null : readCount('--rounds', values.rounds, ROUNDS_MAX)
  const bytes = values.bytes === undefined ? null : readSize('--bytes', values.bytes)
  return {
    mode,
    profile: profileName,
    dir: readPath('--dir', values.dir) ?? profile.dir ?? null,
    bytesAsked: bytes,
    rounds: rounds ?? profile.rounds ?? ROUNDS,
    timeBudgetSeconds: rounds === null && mode === 'bench' ? (profile.timeBudgetSeconds ?? null) : null,
    subjects: readNames('--subjects', 'subject', values.subjects ?? profile.subjects, known.subjects),
    workloads: readWorkloads(values, bytes, profile, known),
    neighbour: readNeighbour(profile, known),
    ceiling: values.ceiling || (profile.ceiling ?? false),
    jsonFile: readPath('--json', values.json) ?? profile.json ?? null,
    htmlFile: readPath('--html', values.html) ?? profile.html ?? null,
    textFile: readPath('--textfile', values.textfile) ?? profile.textfile ?? null,
    metricsPort: readPort(values['metrics-port']) ?? profile.metricsPort ?? null,
  }
}

function readMode(values: Values, profile: Profile): Mode {
  if (values.matrix && values.sweep) throw new UsageError('--matrix and --sweep are two things: one after the other')
  if (values.matrix) return 'matrix'
  return values.sweep ? 'sweep' : (profile.mode ?? 'bench')
}

/** Those of the profile, or those named; what is said for all of them on the command line counts. */
function readWorkloads(values: Values, bytes: number | null, profile: Profile, known: Known): WorkloadChoice[] {
  const ofProfile = profile.workloads ?? {}
  const listed = Object.keys(ofProfile)
  const names = readNames('--workloads', 'workload', values.workloads ?? nonEmpty(listed), known.workloads)
  const asked = values.situations && readNames('--situations', 'situation', values.situations, situations)
  return names.map((name) => {
    const choice = ofProfile[name]
    // Whoever names subjects wants them everywhere.
    const subjects = values.subjects === undefined ? choice?.subjects : undefined
    return {
      name,
      bytes: bytes ?? choice?.bytes ?? null,
      situations: (asked as readonly Situation[] | undefined) ?? choice?.situations ?? ['alone'],
      subjects: subjects === undefined ? null : readNames(`${name}.subjects`, 'subject', subjects, known.subjects),
    }
  })
}

function nonEmpty(names: readonly string[]): readonly string[] | undefined {
  return names.length === 0 ? undefined : names
}

function readNeighbour({ neighbour = {} }: Profile, known: Known): NeighbourChoice {
  const { hotBytes, limitBytes, readsPerSecond, writeBytesPerSecond, subjects } = neighbour
  return {
    hotBytes: hotBytes ?? null,
    limitBytes: limitBytes ?? null,
    readsPerSecond: readsPerSecond ?? null,
    writeBytesPerSecond: writeBytesPerSecond ?? null,
    subjects: subjects === undefined ? null : readNames('neighbour.subjects', 'subject', subjects, known.subjects),
  }
}

function readPort(text: string | undefined): number | null {
  if (text === undefined) return null
  const port = /^\d+$/.test(text) ? Number(text) : -1
  if (port < 0 || port > PORT_MAX) throw new UsageError(`--metrics-port ${text}: not a port, 0 (any) to ${PORT_MAX}`)
  return port
}
