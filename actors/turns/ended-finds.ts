import { tokenHead } from '../../protocol/token.ts';
import type { Client } from '../kernel/client.ts';
import { inSteps } from '../kernel/in-steps.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import { attachedFor, sees } from '../kernel/sight.ts';
import { isTurnName, nameOfOpening, nameOfSession } from './ended-names.ts';
import { type RecordHead, readHead, readLog } from './ended-record.ts';
import type { EndedStore } from './ended-store.ts';
import { FairQueue } from './fair-queue.ts';
import { firstOf, HeldCalls } from './held-calls.ts';
import type { KeptFacts } from './kept-facts.ts';
import { Opening } from './resume/opening.ts';
import type { TurnLog } from './resume/turn-log.ts';
import { TURNS } from './turns.ts';

/** So many turns are looked for at a time; the others wait for that. */
const AT_ONCE = 4;
/** Where nothing could be asked, nothing is for so long: each time it would be waited for. Milliseconds. */
const AWAY_MS = 1_000;

/** What came of looking for a turn: `failed`, it could not be asked for, or read; `refused`, too much is looked for. */
type Outcome = 'found' | 'none' | 'failed' | 'refused';

/** Finds turns that have ended at a broker that does not say so any more, and takes their logs over. */
export class EndedFinds {
  readonly outcomes: Record<Outcome, number> = { found: 0, none: 0, failed: 0, refused: 0 };
  readonly #kernel: Kernel;
  readonly #store: EndedStore;
  /** By session, while it is looked whether a chat in it was opened before: what is asked about it waits. */
  readonly #openings = new Map<string, HeldCalls>();
  /** Who opens a chat waits before all who look for a turn: nothing is asked about that session meanwhile. */
  readonly #opening = new FairQueue<Client>();
  readonly #waiting = new FairQueue<Client>();
  #running = 0;
  /** In the clock's milliseconds. */
  #awayUntil = 0;

  constructor(kernel: Kernel, store: EndedStore) {
    this.#kernel = kernel;
    this.#store = store;
  }

  /**
   * Whether a chat with this agent may have been opened before, and have ended at another broker: not where the agent has been here
   * for as long as any turn can be resumed.
   */
  mayHave(from: Client, agentId: string): boolean {
    const { clock, limits } = this.#kernel;
    const agent = attachedFor(this.#kernel, from, agentId);
    const since = agent ? clock.now() - agent.connectedAt : 0;
    return this.#isThere && since < limits.resumeAfterEndMs + limits.agentWindowMs;
  }

  /** What waits for the word on one of these sessions, if there is any to wait for. */
  pending(sessionKeys: readonly string[]): HeldCalls | undefined {
    return firstOf(this.#openings, sessionKeys);
  }

  /** Looks for an ended turn of this session that was opened with this token. `settle`: whether it is here now. */
  findOpening(from: Client, sessionKey: string, tokenHash: string, settle: (isHere: boolean) => void): void {
    const calls = new HeldCalls();
    this.#openings.set(sessionKey, calls);
    const isMeant = ({ session_key, token_hash }: KeptFacts) => session_key === sessionKey && token_hash === tokenHash;
    const look = () => this.#takeNamed(nameOfOpening(sessionKey, tokenHash), isMeant);
    void this.#look(from, look, this.#opening).then((isHere) => {
      this.#kernel.attempt('a chat that may have been opened before', () => settle(isHere));
      this.#openings.delete(sessionKey);
      calls.release(this.#kernel, () => {});
    });
  }

  /**
   * Looks for the ended turn that a client means: see `endedLog`. Resolves with whether its log is here now; who may have it is
   * for whoever reads that to say. Never rejects.
   */
  find(from: Client, sessionId: string, turnId: string | undefined): Promise<boolean> {
    const own = agentSessionId(from.principal, sessionId);
    const exists = ({ session_key, owner, agent_id }: KeptFacts) =>
      session_key === own || (session_key === sessionId && sees(from, owner, agent_id));
    return this.#look(from, async () => {
      // It may have waited for long.
      if (!from.isOpen) return false;
      if (turnId !== undefined) return isTurnName(turnId) && (await this.#take(turnId, exists));
      for (const name of new Set([own, sessionId])) if (await this.#takeNamed(nameOfSession(name), exists)) return true;
      return false;
    });
  }

  /** Whether a turn of this agent's has ended. Never rejects. */
  hasEnded(from: Client, turnId: string, sessionKey: string): Promise<boolean> {
    const { agentId, tenant } = from;
    return this.#look(from, async () => {
      const begin = from.isOpen && isTurnName(turnId) ? await this.#store.begin(turnId) : undefined;
      if (!begin) return false;
      const facts = readRecordHead(this.#kernel, turnId, begin)?.facts;
      const isIts = facts?.agent_id === agentId && facts?.owner.tenant === tenant;
      return isIts && facts?.id === turnId && facts.session_key === sessionKey;
    });
  }

  get #isThere(): boolean {
    return this.#store.isConnected && this.#kernel.clock.now() >= this.#awayUntil;
  }

  /** Looks for one, when it is its turn. */
  async #look(from: Client, look: () => Promise<boolean>, queue = this.#waiting): Promise<boolean> {
    if (!this.#isThere) return false;
    if (this.#running >= AT_ONCE) {
      const isItsTurn = await new Promise<boolean>((resolve) => {
        if (!queue.add(from, () => resolve(true))) resolve(false);
      });
      if (!isItsTurn) {
        this.outcomes.refused += 1;
        return false;
      }
    } else this.#running += 1;
    try {
      const isFound = this.#isThere && (await look());
      this.outcomes[isFound ? 'found' : 'none'] += 1;
      return isFound;
    } catch (err) {
      this.#awayUntil = this.#kernel.clock.now() + AWAY_MS;
      this.outcomes.failed += 1;
      this.#kernel.sparseLog.warn({ err }, 'an ended turn could not be looked for: what is known here counts');
      return false;
    } finally {
      // Its place is the next one's.
      const next = this.#opening.take() ?? this.#waiting.take();
      if (next) next();
      else this.#running -= 1;
    }
  }

  async #takeNamed(name: string, isMeant: (facts: KeptFacts) => boolean): Promise<boolean> {
    const found = await this.#store.find(name);
    const turnId = found && Buffer.from(found).toString('latin1');
    return turnId !== undefined && isTurnName(turnId) && this.#take(turnId, isMeant);
  }

  /** Takes the log of an ended turn over, for as long as it could still be resumed where it has ended. */
  async #take(turnId: string, isMeant: (facts: KeptFacts) => boolean): Promise<boolean> {
    const kernel = this.#kernel;
    const { logs } = kernel.get(TURNS);
    const bytes = await this.#store.find(turnId);
    if (!bytes) return false;
    const head = readRecordHead(kernel, turnId, bytes);
    if (head?.facts.id !== turnId || !isMeant(head.facts)) return false;
    const age = Math.max(0, Date.now() - head.ended_at);
    if (age >= kernel.limits.resumeAfterEndMs || !logs.mayTake(bytes.length)) return false;
    if (this.#isKnown(head.facts)) return true;
    const log = logs.restore(loggedTurn(head.facts), head.facts.token_hash, undefined);
    try {
      await inSteps(readLog(bytes, head, log));
    } catch (err) {
      logs.discard(log);
      kernel.sparseLog.warn({ err, turn: turnId }, 'an ended turn of another broker cannot be read');
      return false;
    }
    if (this.#isKnown(head.facts)) logs.discard(log);
    else this.#end(log, head, age);
    return true;
  }

  /** It may have come here meanwhile. */
  #isKnown({ id, session_key }: KeptFacts): boolean {
    const { byId, logs } = this.#kernel.get(TURNS);
    return byId.has(id) || logs.find(session_key, id, this.#kernel.clock.now()) !== undefined;
  }

  #end(log: TurnLog, { facts, ending, claim, is_behind }: RecordHead, age: number): void {
    const kernel = this.#kernel;
    log.key.restore(claim);
    log.isBehind = is_behind;
    log.ending = ending;
    kernel.get(TURNS).logs.hasEnded(log, kernel.clock.now() - age);
    kernel.log.debug({ turn: facts.id, session: facts.session_id, ending }, 'an ended turn of another broker is here');
  }
}

function readRecordHead(kernel: Kernel, turn: string, bytes: Uint8Array): RecordHead | undefined {
  try {
    return readHead(bytes);
  } catch (err) {
    kernel.sparseLog.warn({ err, turn }, 'an ended turn of another broker cannot be read');
    return undefined;
  }
}

/** What a log has to know of a turn that is over. */
function loggedTurn(facts: KeptFacts) {
  const { id, session_id: sessionId, agent_id: agentId, prompt_hash, token_hash } = facts;
  return {
    id,
    sessionId,
    sessionKey: facts.session_key,
    owner: facts.owner,
    agentId,
    tokenHead: tokenHead({ session_id: sessionId, turn_id: id, agent_id: agentId }),
    resumeWindowMs: facts.window_ms,
    openerId: facts.opener_id,
    opening: prompt_hash === undefined ? undefined : Opening.restored(agentId, prompt_hash, token_hash),
    secret: undefined,
    line: undefined,
    ref: undefined,
  };
}
