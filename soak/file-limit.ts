/** Files that a process has open besides its connections: its own, logs, a registry being written. */
const BESIDES = 200;

/**
 * Checks that a process here may have so many connections.
 * @throws {Error} saying how many files it may open, how many it needs, and how to allow it.
 */
export function checkFileLimit(connections: number, limit = fileLimit()): void {
  const needed = connections + BESIDES;
  if (limit >= needed) return;
  throw new Error(
    `${connections} connections need ${needed} open files in one process, and this shell allows ${limit}: ` +
      `"ulimit -n ${needed}" before, or fewer --connections`,
  );
}

/** How many files a process here may have open. Node has raised the soft limit to the hard one by now. */
function fileLimit(): number {
  const report = process.report?.getReport() as
    | { userLimits?: { open_files?: { soft?: number | string } } }
    | undefined;
  const soft = report?.userLimits?.open_files?.soft;
  // "unlimited", or a system that has no such limit.
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
}
