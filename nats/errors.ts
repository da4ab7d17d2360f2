/** Why something with NATS does not work. */
export type NatsProblem =
  /** What was configured cannot be right. */
  | 'config'
  /** No server answers. */
  | 'no_server'
  /** The servers do not know these credentials. */
  | 'credentials'
  /** They know them, and these may not do what a broker does. */
  | 'permission'
  /** A certificate is not believed, or only one end wants TLS. */
  | 'tls'
  /** The server has no JetStream, or this account may not use it. */
  | 'no_jetstream'
  /** There are fewer servers than copies are to be kept. */
  | 'no_peers'
  /** The server is older than what is used of it. */
  | 'too_old'
  /** Its messages may not be as long as the link's frames. */
  | 'max_payload'
  /** NATS cannot be reached now, or has no majority: it was not written. */
  | 'away';

/** Something with NATS does not work. The message names no secret. */
export class NatsError extends Error {
  override readonly name = 'NatsError';
  readonly problem: NatsProblem;

  constructor(problem: NatsProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}
