import type { Logger } from '../../broker.ts';

/** A log that keeps its errors, and tells of the next one. */
export function keptLog() {
  const errors: { err?: unknown; count?: number; what: string }[] = [];
  const waiting: (() => void)[] = [];
  const none = () => {};
  const log: Logger = {
    debug: none,
    info: none,
    warn: none,
    error: (fields, what) => {
      errors.push({ ...fields, what });
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
  return { log, errors, next: () => new Promise<void>((resolve) => waiting.push(resolve)) };
}

/** A log that keeps every line at `info` and above. */
export function recordingLog() {
  const lines: { level: 'info' | 'warn' | 'error'; text: string }[] = [];
  const note = (level: 'info' | 'warn' | 'error') => (_fields: object, text: string) =>
    void lines.push({ level, text });
  const log: Logger = { debug: () => {}, info: note('info'), warn: note('warn'), error: note('error') };
  return { log, lines };
}
