export { type Alignment, alignmentOf } from './alignment.ts'
export { setMemoryCap } from './budget.ts'
export { type MemoryUse, memoryUse } from './buffer-pool.ts'
export type {
  CloseEvent,
  DowngradeEvent,
  ErrorEvent,
  FlushEvent,
  OpenEvent,
  SyncEvent,
} from './diagnostics.ts'
export { DirectIOWriter } from './direct-io-writer.ts'
export type { Engine, EngineFinding } from './engine.ts'
export { type ErrorCode, UncachedIOError } from './errors.ts'
export type { Footprint } from './footprint.ts'
export { allocAligned } from './memory.ts'
export { openWriter } from './open-writer.ts'
export type {
  KeptRange,
  OpenFlags,
  OpenOptions,
  OpenWriterOptions,
  PathLike,
  Policy,
  ResetOptions,
} from './options.ts'
export { type PageCacheResidency, pageCacheOf } from './page-cache.ts'
export { type ProbeOptions, type ProbeReport, probe } from './probe.ts'
export type { FeatureFinding, Features } from './probe-features.ts'
export type { StrategyFinding } from './probe-strategy.ts'
export type { Strategy } from './strategy.ts'
export { type Content, type WriteFileOptions, writeFile } from './write-file.ts'
export { createWriteStream, WriteStream, type WriteStreamOptions } from './write-stream.ts'
export type { Writer } from './writer.ts'
export type { Chunk, EndOptions, Mode } from './writer-contract.ts'
