/** The metrics of a fleet: what a node exporter and the pods of an application expose, as data. */
import { METRIC_NAME } from '../labels.ts'
import { BUCKET_BOUNDS, type Shape } from './shapes.ts'

export type LabelPair = readonly [name: string, value: string]

/** A series of a target, without the labels that all of the target's series have. */
export interface SeriesTemplate {
  readonly labels: readonly LabelPair[]
  readonly shape: Shape
  /** A second for counters, else the value that it stays near: see `Shape`. */
  readonly scale: number
}

/** Series that are there together: those of one CPU, one device, one handler. */
export type Block = readonly SeriesTemplate[]

/** Blocks without end: as many are taken as a target has room for. */
export interface BlockSupply {
  /** Once in a target. */
  readonly once: readonly Block[]
  /** For each number from 0 on: a CPU, a device, a handler. */
  readonly numbered: readonly ((number: number) => Block)[]
  /** Single series for each number from 0 on, that fill up what is left. */
  readonly single: (number: number) => SeriesTemplate
}

/** What a kind of target exposes. */
export interface Families {
  /** Information metrics, in every target. */
  readonly info: Block
  /** Blocks that are mostly measurements. */
  readonly measured: BlockSupply
  /** Blocks that are mostly counts, sizes and constants. */
  readonly counted: BlockSupply
}

/** What Prometheus itself records for every scrape, also for one that fails. Every target's first series. */
export const REPORT: Block = [
  series('up', 'constant', 1),
  series('scrape_samples_scraped', 'constant', 0),
  series('scrape_duration_seconds', 'measured-gauge', 0.05),
]

/** Texts that label values have to survive: several scripts, characters beyond U+FFFF, all that is escaped. */
const DESCRIPTIONS = ['Prüfstand Zürich, Ελλάδα, 東京', 'launch 🚀 pad', 'says "hello",\nthen C:\\temp']
/** Of the time of one CPU. Together 1. */
const CPU_MODES: readonly (readonly [mode: string, share: number])[] = [
  ['idle', 0.8],
  ['user', 0.1],
  ['system', 0.05],
  ['iowait', 0.02],
  ['softirq', 0.015],
  ['irq', 0.005],
  ['nice', 0.005],
  ['steal', 0.005],
]
/** Of the requests of a handler, bucket by bucket: most take 10 to 100 milliseconds. Together 1. */
const BUCKET_SHARES = [0.05, 0.1, 0.25, 0.25, 0.15, 0.1, 0.05, 0.03, 0.01, 0.006, 0.003, 0.001]
/** Of the busiest handlers. */
const REQUESTS_PER_SECOND = 5
const RESOURCES = ['orders', 'users', 'carts', 'prices', 'search', 'stock']
const GIBIBYTE = 2 ** 30

export const NODE_FAMILIES: Families = {
  info: [
    series(
      'node_uname_info',
      'constant',
      1,
      ['sysname', 'Linux'],
      ['release', '6.8.0-45-generic'],
      ['machine', 'x86_64'],
    ),
    series('node_exporter_build_info', 'constant', 1, ['version', '1.8.2'], ['goversion', 'go1.22.5']),
    ...descriptions('node_description_info'),
  ],
  measured: {
    once: [
      [
        series('node_load1', 'measured-gauge', 4),
        series('node_load5', 'measured-gauge', 3.5),
        series('node_load15', 'measured-gauge', 3),
        // Measured values below zero.
        series('node_timex_offset_seconds', 'measured-gauge', -0.0004),
      ],
    ],
    numbered: [
      (cpu) =>
        CPU_MODES.map(([mode, share]) =>
          series('node_cpu_seconds_total', 'tick-counter', share, ['cpu', `${cpu}`], ['mode', mode]),
        ),
      (number) =>
        ['io', 'read', 'write'].map((what) =>
          series(`node_disk_${what}_time_seconds_total`, 'measured-counter', 0.2, ['device', diskName(number)]),
        ),
    ],
    single: (sensor) =>
      series('node_hwmon_temp_celsius', 'measured-gauge', 60, ['chip', 'coretemp_0'], ['sensor', `temp${sensor}`]),
  },
  counted: {
    once: [
      [
        series('node_memory_MemTotal_bytes', 'constant', 64 * GIBIBYTE),
        ...['MemFree', 'MemAvailable', 'Cached', 'Buffers', 'Dirty', 'Slab'].map((part) =>
          series(`node_memory_${part}_bytes`, 'byte-gauge', 8 * GIBIBYTE),
        ),
      ],
      [
        series('node_boot_time_seconds', 'start-time', 0),
        series('node_procs_running', 'steady-gauge', 8),
        series('node_filefd_allocated', 'steady-gauge', 4000),
        series('node_context_switches_total', 'counter', 20_000),
        series('node_forks_total', 'counter', 10),
      ],
    ],
    numbered: [networkDevice, diskWork, fileSystem],
    single: (interrupt) => series('node_interrupts_total', 'counter', 50, ['cpu', '0'], ['interrupt', `${interrupt}`]),
  },
}

export const POD_FAMILIES: Families = {
  info: [
    series('app_build_info', 'constant', 1, ['version', '2.14.1'], ['revision', '8f1c2d7'], ['branch', 'main']),
    series('go_info', 'constant', 1, ['version', 'go1.22.5']),
    ...descriptions('app_description_info'),
  ],
  measured: {
    once: [
      [
        series('process_cpu_seconds_total', 'tick-counter', 0.6),
        series('go_memstats_gc_cpu_fraction', 'measured-gauge', 0.002),
        series('go_cpu_classes_gc_total_cpu_seconds_total', 'measured-counter', 0.01),
      ],
    ],
    numbered: [
      (service) => [
        ...['0.5', '0.9', '0.99'].map((quantile) =>
          series('rpc_latency_seconds', 'measured-gauge', 0.03, ['service', resource(service)], ['quantile', quantile]),
        ),
        series('rpc_busy_seconds_total', 'measured-counter', 0.1, ['service', resource(service)]),
      ],
      (cpu) => [series('container_cpu_usage_seconds_total', 'measured-counter', 0.3, ['cpu', `${cpu}`])],
    ],
    single: (queue) => series('app_queue_wait_seconds', 'measured-gauge', 0.4, ['queue', `${queue}`]),
  },
  counted: {
    once: [
      [
        series('process_start_time_seconds', 'start-time', 0),
        series('process_resident_memory_bytes', 'byte-gauge', GIBIBYTE),
        series('go_memstats_heap_inuse_bytes', 'byte-gauge', GIBIBYTE / 2),
        series('process_open_fds', 'steady-gauge', 60),
        series('go_goroutines', 'steady-gauge', 200),
        series('go_threads', 'steady-gauge', 16),
        series('process_max_fds', 'constant', 1_048_576),
      ],
    ],
    numbered: [durationHistogram, requestCounts],
    single: (queue) => series('app_queue_length', 'steady-gauge', 20, ['queue', `${queue}`]),
  },
}

/** Whether a series is a measurement with a full mantissa: of a histogram only the sum is one. */
export function isMeasured({ shape, labels }: SeriesTemplate): boolean {
  if (shape === 'histogram') return labels[0]![1].endsWith('_sum')
  return shape === 'measured-gauge' || shape === 'measured-counter' || shape === 'tick-counter'
}

function series(name: string, shape: Shape, scale: number, ...labels: LabelPair[]): SeriesTemplate {
  return { labels: [[METRIC_NAME, name], ...labels], shape, scale }
}

function descriptions(name: string): SeriesTemplate[] {
  return DESCRIPTIONS.map((text) => series(name, 'constant', 1, ['description', text]))
}

function networkDevice(number: number): Block {
  const device: LabelPair = ['device', `eth${number}`]
  const directions = ['receive', 'transmit'].flatMap((direction) => [
    series(`node_network_${direction}_bytes_total`, 'counter', 4_000_000, device),
    series(`node_network_${direction}_packets_total`, 'counter', 4000, device),
    // One in three hours.
    series(`node_network_${direction}_errs_total`, 'counter', 0.0001, device),
    series(`node_network_${direction}_drop_total`, 'counter', 0.001, device),
  ])
  return [series('node_network_up', 'constant', 1, device), ...directions]
}

function diskWork(number: number): Block {
  const device: LabelPair = ['device', diskName(number)]
  return [
    series('node_disk_reads_completed_total', 'counter', 200, device),
    series('node_disk_read_bytes_total', 'counter', 5_000_000, device),
    series('node_disk_writes_completed_total', 'counter', 300, device),
    series('node_disk_written_bytes_total', 'counter', 8_000_000, device),
  ]
}

function fileSystem(number: number): Block {
  const labels: LabelPair[] = [
    ['device', `/dev/${diskName(number)}`],
    ['fstype', 'ext4'],
    ['mountpoint', `/data/${number}`],
  ]
  return [
    series('node_filesystem_size_bytes', 'constant', 400 * GIBIBYTE, ...labels),
    series('node_filesystem_avail_bytes', 'byte-gauge', 200 * GIBIBYTE, ...labels),
    series('node_filesystem_files', 'constant', 26_214_400, ...labels),
    series('node_filesystem_files_free', 'steady-gauge', 26_000_000, ...labels),
    series('node_filesystem_readonly', 'constant', 0, ...labels),
  ]
}

/** In the order that the shape `histogram` asks for. */
function durationHistogram(number: number): Block {
  const name = 'http_request_duration_seconds'
  const handler: LabelPair = ['handler', handlerPath(number)]
  const bounds = [...BUCKET_BOUNDS.map(String), '+Inf']
  return [
    ...bounds.map((le, bucket) =>
      series(`${name}_bucket`, 'histogram', BUCKET_SHARES[bucket]! * REQUESTS_PER_SECOND, handler, ['le', le]),
    ),
    series(`${name}_sum`, 'histogram', 0, handler),
    series(`${name}_count`, 'histogram', 0, handler),
  ]
}

function requestCounts(number: number): Block {
  return [
    ['GET', '200'],
    ['GET', '404'],
    ['POST', '201'],
    ['POST', '500'],
  ].map(([method, code]) =>
    series(
      'http_requests_total',
      'counter',
      // Errors are rare.
      code === '500' ? 0.01 : REQUESTS_PER_SECOND,
      ['handler', handlerPath(number)],
      ['method', method!],
      ['code', code!],
    ),
  )
}

function diskName(number: number): string {
  return `nvme${number}n1`
}

function handlerPath(number: number): string {
  return `/api/v${1 + Math.floor(number / RESOURCES.length)}/${RESOURCES[number % RESOURCES.length]!}`
}

/** A name for each number. */
function resource(number: number): string {
  return number < RESOURCES.length ? RESOURCES[number]! : `${RESOURCES[number % RESOURCES.length]!}-${number}`
}
