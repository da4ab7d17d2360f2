/**
 * A setting that cannot be used: one line that names the flag, variable or key, where it came from and what it takes.
 * The daemon ends with exit code 2 (`wire.md` section 12).
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * A daemon that cannot start for a reason outside the program: a port or a home that is taken, a file that cannot be
 * read. The message is one line for a person; the daemon ends with exit code 1, unless it says another (`wire.md` section 12).
 */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Whether a failure comes from the operating system, so its message says enough and a stack says nothing. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && typeof (error as NodeJS.ErrnoException).code === 'string';
}

/** Runs a file operation; a failure of the given codes becomes `undefined`, any other is thrown. */
export function unless<T>(codes: readonly string[], operation: () => T): T | undefined {
  try {
    return operation();
  } catch (error) {
    if (isSystemError(error) && codes.includes(error.code ?? '')) return undefined;
    throw error;
  }
}

/** Runs a file operation; a system error that names no file, as one of a handle does, then names this one. */
export function about<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw naming(path, error);
  }
}

/** The same for an error that is there: it names this file then. */
export function naming(path: string, error: unknown): unknown {
  if (isSystemError(error) && !error.message.includes(path)) {
    error.path = path;
    error.message += ` '${path}'`;
  }
  return error;
}
