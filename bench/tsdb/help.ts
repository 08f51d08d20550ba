/** The text of `--help`, at most 100 columns wide. */
export const tsdbHelpText = `Usage: npm run tsdb -- COMMAND [options]

Writes data folders of Prometheus's TSDB through uncached-io: blocks that a Prometheus server loads.

Commands
  import FILE DIR          writes the samples of an OpenMetrics file into blocks of two hours
  generate DIR             writes generated samples of a fleet into blocks
  compact DIR [ULID...]    merges blocks (default: all) into one and deletes them
  list DIR                 the blocks
  verify DIR [ULID...]     reads blocks (default: all) past the page cache and checks everything
  replay DIR               reads the WAL of a data folder and says where its last whole record ends;
                           changes nothing

Options
  --strategy S             how files are written: direct, dontcache, evict, buffered
  --chunks S --index S     the same for one kind of files (default: direct)
  --segment-size SIZE      of a file of chunks at most (default: 512MiB)
  --help                   this text

Options of generate
  --series N --hours N     how many series at a time, and for how long (default: 10000, 24)
  --interval N             seconds between two samples (default: 15)
  --start N                seconds since 1970 (default: 1704067200, the first of January 2024)
  --seed N                 the same number gives the same samples (default: 1)

FORCEDIRECTIO=1 in the environment makes all writing direct. Exit code: 0; 1 when something is
wrong with the data or the disk; 2 for a mistake on the command line.
`
