import { z } from 'zod'

const text = z.string().nullable()

/** Where the numbers come from: without it they cannot be compared with any others. `null` is "not known". */
export const environmentSchema = z
  .strictObject({
    kernel: z.string(),
    node: z.string(),
    packageVersion: z.string(),
    cpuModel: z.string(),
    /** CPUs that this process may use. */
    cpuCount: z.int().positive(),
    memoryBytes: z.int().positive(),
    /** Of the last minute, when the benchmark began: what else the machine had to do. */
    loadAverage: z.number().nonnegative(),
    fileSystemType: text,
    mountOptions: text,
    superOptions: text,
    device: text,
    /** What the kernel knows of the disk below; `null` without one. */
    disk: z
      .strictObject({
        name: z.string(),
        model: text,
        rotational: z.boolean().nullable(),
        /** The I/O scheduler in use, for example `mq-deadline` or `none`. */
        scheduler: text,
        /** `write back` or `write through`. */
        writeCache: text,
        logicalBlockBytes: z.int().positive().nullable(),
        physicalBlockBytes: z.int().positive().nullable(),
        sizeBytes: z.int().positive().nullable(),
      })
      .readonly()
      .nullable(),
    /** How much may be dirty before the kernel writes it back: `vm.dirty_*`, by their names. */
    dirtyLimits: z.record(z.string(), z.number()).readonly(),
    limits: z
      .strictObject({
        /** The smallest memory limit of this process's cgroup and those above; `null` without one. */
        memoryBytes: z.int().positive().nullable(),
        /** CPUs' worth of time that the cgroup gives; `null` without a limit. */
        cpus: z.number().positive().nullable(),
        openFiles: z.int().positive().nullable(),
        lockedMemoryBytes: z.int().nonnegative().nullable(),
      })
      .readonly(),
    /** What kind of container this runs in, as far as it shows (`docker`, `podman`, `kubernetes`, `lxc`, ...); `null`: none seen. */
    container: text,
    /** Whether the CPU says that a hypervisor is below; `null` where it does not say. */
    virtualMachine: z.boolean().nullable(),
    /** The system call that the footprint comes from. */
    footprintSource: z.string(),
    /** The memory cgroups that runs are put into: their version, or why there are none. */
    memoryCgroup: z.union([z.literal(1), z.literal(2), z.string()]),
    /** The block device whose reads and writes are counted, or why there is none. */
    countedDevice: z.string(),
    /** Whether kernel threads' CPU can be seen, or why not. */
    kernelThreads: z.union([z.literal(true), z.string()]),
    /** `FORCEDIRECTIO` as set in the environment: it decides which subjects can run. */
    forceDirectIo: text,
  })
  .readonly()
export type Environment = z.infer<typeof environmentSchema>
