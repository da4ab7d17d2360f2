/** What the command's exit status says. */
export const Exit = {
  Ok: 0,
  /** The turn ended in an error, or anything else went wrong. */
  Failed: 1,
  /** A wrong flag, argument or value. */
  Usage: 2,
  /** Nobody listens there. */
  NoDaemon: 3,
  /** The daemon did not take the token, or its bearer may not do that. */
  NotAuthorised: 4,
  /** No such agent, or it is not attached. */
  NoAgent: 5,
  /** That approval is not pending, or there is none. */
  NotPending: 6,
  /** Ctrl-C, as a shell would say it: 128 + SIGINT. */
  Cancelled: 130,
} as const;

/** One of the numbers in {@link Exit}. */
export type Exit = (typeof Exit)[keyof typeof Exit];

/** The table for `--help`. */
export const EXIT_HELP = `
Exit status:
  0    all went well
  1    the turn ended in an error, or something else failed
  2    wrong usage
  3    no daemon is running there
  4    not authorised: the daemon refused the token, or the approval is somebody else's to answer
  5    no such agent, or it is not attached
  6    that approval is not pending (any more)
  130  cancelled by Ctrl-C`;

/** Ends the command with a status and plain words; without words, silently. */
export class CliError extends Error {
  readonly exit: Exit;

  constructor(exit: Exit, message = '') {
    super(message);
    this.exit = exit;
  }
}
