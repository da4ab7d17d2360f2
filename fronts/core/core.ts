import type { Broker } from '../../broker-api.ts';
import { connectHost, exactJson, type Host } from '../../client/node.ts';
import type { Front } from '../../protocol/grants.ts';
import { agentId } from '../../protocol/ids.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { FrontsOptions } from '../options.ts';
import { Bodies } from './body.ts';
import { DEFAULT_RETRY_MS, FrontError } from './errors.ts';
import type { Asker, Exchange } from './exchange.ts';
import { ExpiringMap } from './expiring-map.ts';
import { Held } from './held.ts';
import { ParkedTurns } from './parked.ts';
import { FrontTurn, type TurnSpec } from './turn.ts';

/** Default of how long a parked turn waits. Milliseconds. */
export const PARK_TIMEOUT_MS = 10 * 60_000;
/** Default of how long an approval waits whose client cannot be asked. Milliseconds. */
export const APPROVAL_TIMEOUT_MS = 5 * 60_000;
/** Sessions that are known to have had a turn by a front, and for how long: the others' first turn brings its history. */
export const KEPT_SESSIONS = 10_000;
/** See {@link KEPT_SESSIONS}. Milliseconds. */
export const KEPT_SESSION_MS = 24 * 60 * 60_000;

/** What a front has of the broker, and what it keeps. */
export class FrontCore {
  readonly front: Front;
  readonly options: FrontsOptions;
  readonly limits: Readonly<Limits>;
  readonly parked: ParkedTurns;
  readonly bodies: Bodies;
  /** What is held of the turns of this front. */
  readonly held: Held;
  /** Of the program that serves it. */
  readonly version: string;
  /** How long an approval waits for somebody elsewhere. Milliseconds. */
  readonly approvalTimeoutMs: number;
  readonly #broker: Broker;
  readonly #known = new ExpiringMap<true>(KEPT_SESSIONS, KEPT_SESSION_MS);
  /** Live turns of each principal, parked ones too, and those that may go on without their client. */
  readonly #counts = new Map<string, number>();

  constructor(front: Front, broker: Broker, options: FrontsOptions) {
    this.front = front;
    this.#broker = broker;
    this.options = options;
    this.limits = broker.limits;
    this.version = broker.version;
    this.parked = new ParkedTurns(options.parkTimeoutMs ?? PARK_TIMEOUT_MS);
    this.bodies = new Bodies(broker.limits.maxMessageBytes);
    this.held = new Held(broker.limits);
    this.approvalTimeoutMs = options.approvalTimeoutMs ?? APPROVAL_TIMEOUT_MS;
  }

  /** A connection of whoever asks. Whoever opens it closes it. @throws what `frontErrorOf` knows. */
  connect({ who }: Pick<Asker, 'who'>): Promise<Host> {
    return connectHost({ link: this.#broker.connect({ principal: who }), json: exactJson });
  }

  /**
   * Opens a turn, or goes on with one, on a connection of its own; resolves when its agent has taken it. Its client's going
   * cancels it, unless it has a window.
   * @throws {FrontError} 429 @throws {ClientGone} @throws {ResumeError} @throws what `frontErrorOf` knows.
   */
  async openTurn(asker: Asker, spec: TurnSpec): Promise<FrontTurn> {
    const { owner, signal } = asker;
    const { resumeWindowMs } = spec;
    const tools = spec.tools?.length ?? 0;
    if (tools > this.limits.maxToolsPerConnection)
      throw FrontError.badRequest(`tools has ${this.limits.maxToolsPerConnection} at most`, 'tools');
    const count = this.#counts.get(owner) ?? 0;
    const { maxTurnsPerConnection: most } = this.limits;
    if (count >= most)
      throw new FrontError(429, 'limit_exceeded', `one key may have ${most} live chats`, {
        retryAfterMs: DEFAULT_RETRY_MS,
      });
    this.#counts.set(owner, count + 1);
    try {
      const host = await this.connect(asker);
      const context = { ...spec.context, front: this.front };
      const turn = await FrontTurn.open(owner, host, { ...spec, context }, signal, this.held.open(owner));
      this.#known.set(this.#nameOf(owner, spec), true);
      void turn.over.then(() => {
        // It may go on for so long, with nobody there.
        if (turn.isLeft) setTimeout(() => this.#leave(owner), resumeWindowMs).unref();
        else this.#leave(owner);
      });
      return turn;
    } catch (error) {
      this.#leave(owner);
      throw error;
    }
  }

  /**
   * Whether somebody may have anything to do with an agent's chats: the broker says so of whoever opens one, and this of whoever
   * goes on with one, or stops it. @throws {FrontError} 403, 404
   */
  checkAgent({ who }: Pick<Asker, 'who'>, agent: string): void {
    if (!agentId.safeParse(agent).success || who.mayUse?.(agent) === false)
      throw new FrontError(404, 'agent_not_found', 'there is no such agent');
    if (who.scopes && !who.scopes.includes('chat')) throw new FrontError(403, 'forbidden', 'this key is not for chats');
  }

  /** Whether an agent has had a turn of this session by this front: the past that its client tells is known to it. */
  knows(owner: string, session: Pick<TurnSpec, 'agentId' | 'sessionId'>): boolean {
    return this.#known.get(this.#nameOf(owner, session)) !== undefined;
  }

  /** Who somebody is by the key that they come with; undefined: nobody. */
  identify(exchange: Pick<Exchange, 'request'>): ReturnType<Broker['identifyBearer']> {
    return this.#broker.identifyBearer(exchange.request, this.front);
  }

  #nameOf(owner: string, { agentId, sessionId }: Pick<TurnSpec, 'agentId' | 'sessionId'>): string {
    return `${owner}\n${agentId}\n${sessionId}`;
  }

  #leave(owner: string): void {
    const left = (this.#counts.get(owner) ?? 1) - 1;
    if (left > 0) this.#counts.set(owner, left);
    else this.#counts.delete(owner);
  }
}
