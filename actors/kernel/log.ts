/** What the broker logs through: pino fits, and so does any embedder's own. Never given a secret. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Lines that went nowhere since the start, where the log knows. For the metrics. */
  readonly lostLines?: number;
}

const nothing = () => {};

/** Logs nothing: what an embedder gets who passes no log. */
export const silentLog: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The same log, but one that cannot throw: a full disk ends nobody's turn, and least of all the root actor (law 11). */
export function totalLog(log: Logger): Logger {
  const safely = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) => {
    try {
      log[level](fields, message);
    } catch {
      // There is nowhere left to say so.
    }
  };
  return {
    debug: safely('debug'),
    info: safely('info'),
    warn: safely('warn'),
    error: safely('error'),
    get lostLines() {
      return log.lostLines ?? 0;
    },
  };
}
