import type { AttachContext } from '../attached.ts';
import { environmentOf } from '../process/environment.ts';
import { messageOf } from '../words.ts';
import { AcpConnection } from './connection.ts';
import type { AcpSettings } from './settings.ts';

/** So many processes that die by themselves within so long, and turns are refused for so long. Milliseconds. */
const [DEATHS, WITHIN_MS, REFUSED_MS] = [3, 60_000, 10_000];

/** The processes of an attached agent: those that sessions have, and those that wait for one. */
export class Pool {
  readonly #settings: AcpSettings;
  readonly #context: AttachContext;
  /** All that run or start, those that wait among them. */
  readonly #all = new Set<AcpConnection>();
  readonly #spares: AcpConnection[] = [];
  /** The one process of all sessions, where that is wished. */
  #shared: Promise<AcpConnection> | undefined;
  #deaths: number[] = [];
  #refusedUntil = 0;
  #isFilling = false;
  #isClosed = false;

  constructor(settings: AcpSettings, context: AttachContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** Why no turn is taken now, if so. */
  get refusal(): string | undefined {
    const left = this.#refusedUntil - performance.now();
    if (left <= 0) return undefined;
    return `the agent has ended ${DEATHS} times within a minute; try again in ${Math.ceil(left / 1_000)} s`;
  }

  /** An initialized process for a session. @throws {StartError} */
  async take(): Promise<AcpConnection> {
    if (this.#settings.process === 'shared') return this.#takeShared();
    for (;;) {
      const spare = this.#spares.shift();
      if (spare?.process.isOver) continue;
      // Once this one has what it is for: two that start at the same time take twice as long.
      if (spare) setImmediate(() => void this.fill());
      return spare ?? this.#start();
    }
  }

  /** Whether one more session may have a process. @param others how many have one, or are about to. */
  hasRoom(others: number): boolean {
    return this.#settings.process === 'shared' || others < this.#settings['max-processes'];
  }

  /** A process that was started otherwise waits for a session. */
  keep(connection: AcpConnection): void {
    if (this.#settings.process === 'shared') this.#shared = Promise.resolve(connection);
    else if (this.#spares.length < this.#settings.spare) this.#spares.push(connection);
    else void connection.process.end();
  }

  /** Starts as many spare processes as there should be, one after the other. */
  async fill(): Promise<void> {
    const { spare, 'max-processes': most, process } = this.#settings;
    if (this.#isFilling || process === 'shared') return;
    this.#isFilling = true;
    try {
      while (!this.#isClosed && this.refusal === undefined && this.#spares.length < spare && this.#all.size < most)
        this.#spares.push(await this.#start());
    } catch (error) {
      this.#context.log.warn({ reason: messageOf(error) }, 'a spare process of an attached agent cannot be started');
    } finally {
      this.#isFilling = false;
    }
  }

  /** Starts one for whoever asks. @throws {StartError} */
  start(): Promise<AcpConnection> {
    return this.#start();
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#all].map(({ process }) => process.end()));
  }

  async #takeShared(): Promise<AcpConnection> {
    for (;;) {
      const asked = this.#shared;
      const before = await asked?.catch(() => undefined);
      if (before && !before.process.isOver) return before;
      // Somebody else may have started one meanwhile.
      if (this.#shared !== asked) continue;
      this.#shared = this.#start();
      return this.#shared;
    }
  }

  async #start(): Promise<AcpConnection> {
    const { acp, cwd, env, 'clean-env': isClean, 'start-timeout': timeoutMs, auth } = this.#settings;
    const [program = '', ...words] = acp;
    const { log, env: own, umask } = this.#context;
    const command: [string, ...string[]] = [program, ...words];
    const connection = new AcpConnection(
      { command, cwd, env: environmentOf(own, env, isClean), log, umask },
      timeoutMs,
    );
    this.#all.add(connection);
    this.#report();
    void connection.process.ended.then((how) => this.#ended(connection, how));
    try {
      await connection.start(auth);
    } catch (error) {
      this.#reportLastWords(connection);
      throw error;
    }
    if (this.#isClosed) await connection.process.end();
    return connection;
  }

  #ended(connection: AcpConnection, how: string): void {
    const { process } = connection;
    this.#all.delete(connection);
    const spare = this.#spares.indexOf(connection);
    if (spare !== -1) this.#spares.splice(spare, 1);
    this.#report();
    if (process.isEnding) return;
    this.#reportLastWords(connection);
    this.#context.log.warn({ pid: process.pid }, `a process of an attached agent ${how}`);
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < WITHIN_MS), now];
    if (this.#deaths.length < DEATHS) return;
    this.#deaths = [];
    this.#refusedUntil = now + REFUSED_MS;
  }

  /** What one that has failed wrote last is for people to see. */
  #reportLastWords({ process: { lastWords } }: AcpConnection): void {
    if (lastWords !== '') this.#context.report({ lastWords });
  }

  #report(): void {
    const pids = [...this.#all].flatMap(({ process: { pid } }) => (pid === undefined ? [] : [pid]));
    this.#context.report({ processes: pids });
  }
}
