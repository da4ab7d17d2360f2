/** What the broker logs through: pino fits, and so does any embedder's own. Never given a secret. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const nothing = () => {};

/** Logs nothing: what an embedder gets who passes no log. */
export const silentLog: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
