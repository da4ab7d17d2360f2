import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createInbox } from '../sdks/nats.ts';
import { authenticatorOf } from './credentials.ts';
import { NatsError } from './errors.ts';
import { checkOptions, type NatsOptions, wantsTls } from './options.ts';

export type NatsConnection = Awaited<ReturnType<typeof connect>>;
export type Msg = Parameters<NonNullable<NonNullable<Parameters<NatsConnection['subscribe']>[1]>['callback']>>[1];

/** One attempt with one server takes so long at most. Milliseconds. */
const DIAL_MS = 1_000;
/** A server that is asked whether it is there, so often, and has not answered the last two times is left. Milliseconds. */
const PING_MS = 1_000;
/** A server that was tried just now is tried again after so long. Milliseconds. */
const RETRY_MS = 200;
const DEFAULT_CONNECT_MS = 10_000;
/** What is used of a server has been there since. */
const LEAST_VERSION = '2.9.0';
/** What is older loses streams, or lets one account purge another's. */
const ADVISED_VERSION = '2.11.1';

/** Who hears of a {@link Line}. Never called from inside a call to it, and never throws. */
export interface LineHandlers {
  /** There is a connection again, perhaps with another server. */
  connected(): void;
  disconnected(): void;
}

/** One connection to NATS, which is looked for again as long as it takes. */
export class Line {
  readonly nats: NatsConnection;
  readonly #options: NatsOptions;
  readonly #listeners = new Set<LineHandlers>();
  #isConnected = true;
  #isClosed = false;

  private constructor(nats: NatsConnection, options: NatsOptions) {
    this.nats = nats;
    this.#options = options;
    void this.#watch();
  }

  /**
   * @param purpose - what its name says of it to the server's operator
   * @throws {NatsError} why there is none
   */
  static async open(options: NatsOptions, purpose: string): Promise<Line> {
    checkOptions(options);
    const nats = await dial(options, purpose);
    const { version = '0' } = nats.info ?? {};
    if (isOlder(version, LEAST_VERSION)) {
      await nats.close();
      throw new NatsError(
        'too_old',
        `nats-server ${version} is older than ${LEAST_VERSION}; use ${ADVISED_VERSION} or newer`,
      );
    }
    return new Line(nats, options);
  }

  get isConnected(): boolean {
    return this.#isConnected && !this.#isClosed;
  }

  /** Longest message that the server takes. Bytes. */
  get maxPayload(): number {
    return this.nats.info?.max_payload ?? 0;
  }

  /** A subject that only this broker may hear. */
  newInbox(): string {
    return createInbox(inboxOf(this.#options));
  }

  listen(handlers: LineHandlers): void {
    this.#listeners.add(handlers);
  }

  tell(level: 'info' | 'warn', message: string): void {
    this.#options.tell?.({ level, message });
  }

  /** Sends what was published, as far as it can be sent within a second, and ends. Nothing is told any more. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listeners.clear();
    const enough = new AbortController();
    if (this.#isConnected) {
      await Promise.race([
        this.nats.flush().catch(() => {}),
        sleep(DIAL_MS, undefined, { signal: enough.signal }).catch(() => {}),
      ]);
    }
    enough.abort();
    await this.nats.close();
  }

  async #watch(): Promise<void> {
    this.#adviseOn();
    for await (const status of this.nats.status()) {
      if (this.#isClosed) return;
      if (status.type === 'disconnect' || status.type === 'close') this.#setConnected(false);
      else if (status.type === 'reconnect') this.#setConnected(true);
      // It is about to stop: others are there.
      else if (status.type === 'ldm') void this.nats.reconnect();
      // What a server says of rights names subjects only.
      else if (status.type === 'error') this.tell('warn', `NATS: ${status.error.message}`);
    }
  }

  #setConnected(isConnected: boolean): void {
    if (this.#isConnected === isConnected) return;
    this.#isConnected = isConnected;
    if (isConnected) this.#adviseOn();
    for (const listener of this.#listeners) {
      if (isConnected) listener.connected();
      else listener.disconnected();
    }
  }

  #adviseOn(): void {
    const { version = '0' } = this.nats.info ?? {};
    if (!isOlder(version, ADVISED_VERSION)) return;
    this.tell('warn', `nats-server ${version} is good enough to try; for production use ${ADVISED_VERSION} or newer`);
  }
}

const inboxOf = ({ self }: NatsOptions): string => `_INBOX.${self.id}`;

async function dial(options: NatsOptions, purpose: string): Promise<NatsConnection> {
  const { cluster, self, credentials, tls = {}, connectMs = DEFAULT_CONNECT_MS } = options;
  // What is given as `tls://` and `nats://` alike: the client takes both, and upgrades by `tls`.
  const servers = options.servers.map((url) => url.replace(/^\w+:\/\//, '').replace(/\/$/, ''));
  const authenticator = credentials && authenticatorOf(credentials);
  const until = performance.now() + connectMs;
  for (;;) {
    try {
      return await connect({
        servers,
        name: `switchboard ${cluster} ${self.id} ${purpose}`,
        inboxPrefix: inboxOf(options),
        timeout: DIAL_MS,
        pingInterval: PING_MS,
        maxPingOut: 2,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RETRY_MS,
        reconnectJitter: RETRY_MS / 2,
        reconnectJitterTLS: RETRY_MS,
        // Credentials may be replaced while it is away.
        ignoreAuthErrorAbort: true,
        noAsyncTraces: true,
        ...(authenticator ? { authenticator } : {}),
        ...(wantsTls(options)
          ? {
              tls: {
                ...(tls.ca === undefined ? {} : { caFile: tls.ca }),
                ...(tls.cert === undefined ? {} : { certFile: tls.cert }),
                ...(tls.key === undefined ? {} : { keyFile: tls.key }),
              },
            }
          : {}),
      });
    } catch (error) {
      const problem = problemOf(error, servers);
      if (problem.problem !== 'no_server' || performance.now() >= until) throw problem;
    }
    await sleep(RETRY_MS);
  }
}

function problemOf(error: unknown, servers: readonly string[]): NatsError {
  const { name = '', message = '', code = '', cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  const options = { cause: error };
  if (/^(Authorization|UserAuthenticationExpired)Error$/.test(name)) {
    return new NatsError('credentials', 'NATS does not know these credentials', options);
  }
  const why = (cause as NodeJS.ErrnoException | undefined)?.code ?? code;
  if (/CERT|SSL|TLS|ALTNAME|SIGNATURE/.test(why) || /\btls\b/.test(message)) {
    return new NatsError('tls', `no connection with TLS to NATS: ${message}`, options);
  }
  return new NatsError('no_server', `no server of NATS answers at ${servers.join(', ')}: ${message}`, options);
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0));
  for (let n = 0; n < 3; n += 1) {
    const ahead = (a?.[n] ?? 0) - (b?.[n] ?? 0);
    if (ahead !== 0) return ahead < 0;
  }
  return false;
}
