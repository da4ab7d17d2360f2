import { type FrontCore, KEPT_SESSION_MS, KEPT_SESSIONS } from '../core/core.ts';
import { FrontError, frontErrorOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { ExpiringMap } from '../core/expiring-map.ts';
import { pastOf } from '../core/history.ts';
import { hashOf, namedSession } from '../core/ids.ts';
import type { FrontTurn } from '../core/turn.ts';
import { answersOf, historyOf, imagesOf, instructionsOf, type RunInput, readInput, textOfMessage } from './input.ts';
import { failRun, type RunHead, RunStream, TurnRuns } from './run-stream.ts';

const PREFIX = 'agui';
/** So many of a thread's messages are known, to see whether one of them was edited; not those with longer ids, in characters. */
const MAX_ASKED = 100;
const MAX_ASKED_ID = 128;

/** What is known of a thread. */
interface Thread {
  sessionId: string;
  /** The user's messages that were answered, by their ids. */
  asked: readonly string[];
}

/** The threads of AG-UI's clients. */
export class Threads {
  readonly #core: FrontCore;
  readonly #runs = new WeakMap<FrontTurn, TurnRuns>();
  readonly #threads = new ExpiringMap<Thread>(KEPT_SESSIONS, KEPT_SESSION_MS);
  /** Turns that a run is being written of. */
  readonly #streaming = new Set<FrontTurn>();

  constructor(core: FrontCore) {
    this.#core = core;
  }

  /** `POST /ag-ui/AGENT`. */
  async run(exchange: Exchange, agentId: string): Promise<void> {
    const { turn, head } = await this.#start(exchange, agentId);
    if (!turn) return;
    const runs = this.#runs.get(turn) ?? new TurnRuns(turn.turnId);
    this.#runs.set(turn, runs);
    this.#streaming.add(turn);
    try {
      const reader = new RunStream(exchange.stream(), turn, runs, head);
      if ((await turn.read(reader, exchange.signal)) === 'parked') this.#core.parked.park(turn);
    } finally {
      this.#streaming.delete(turn);
    }
  }

  /**
   * By itself: for as long as the run takes nothing is kept of the request, which may have megabytes.
   * @returns without a turn: it is answered.
   */
  async #start(exchange: Exchange, agentId: string): Promise<{ turn?: FrontTurn; head: RunHead }> {
    const input = readInput(await exchange.read());
    const { threadId, runId } = input;
    const head = { threadId, runId };
    try {
      this.#core.checkAgent(exchange, agentId);
      return { turn: await this.#begin(exchange, agentId, input), head };
    } catch (error) {
      const known = frontErrorOf(error);
      if (!known || known.status === 401 || known.code === 'agent_not_found') throw error;
      // Whatever else it is, this protocol says it in the run.
      const stream = exchange.stream();
      stream.send(JSON.stringify({ type: 'RUN_STARTED', ...head }));
      failRun(stream, known);
      return { head };
    }
  }

  /** The turn that a run is of: the one that waits for what it brings, else a new one. */
  async #begin(exchange: Exchange, agentId: string, input: RunInput): Promise<FrontTurn> {
    const { owner } = exchange;
    const name = hashOf(owner, agentId, input.threadId);
    const thread = this.#threads.get(name) ?? { sessionId: namedSession(PREFIX, input.threadId), asked: [] };
    const isHere = (turn: FrontTurn) => turn.sessionId === thread.sessionId;
    const parked = this.#core.parked.find(owner, agentId, isHere);
    const told = (parked && this.#runs.get(parked)?.told) ?? new Set<string>();
    if (input.resume.length > 0 || parked?.approvals.open.some((id) => told.has(id))) {
      if (
        !parked &&
        [...this.#streaming].some((turn) => turn.owner === owner && turn.agentId === agentId && isHere(turn))
      )
        throw new FrontError(409, 'session_busy', 'a run of this thread is being answered');
      return this.#resume(parked, told, input);
    }
    const answers = answersOf(input.messages);
    if (answers.size > 0) {
      if (!parked?.awaitsAny(answers))
        throw new FrontError(424, 'tool_call_unknown', 'nothing waits for the results of these calls');
      this.#core.parked.take(owner, agentId, (turn) => turn === parked);
      parked.answer(answers);
      return parked;
    }
    await this.#core.parked.drop(owner, agentId, thread.sessionId);
    return this.#open(exchange, agentId, input, name, thread);
  }

  /** @throws {FrontError} `interrupt_unknown`, `interrupt_open` */
  async #resume(parked: FrontTurn | undefined, told: ReadonlySet<string>, { resume }: RunInput): Promise<FrontTurn> {
    const said = new Map(resume.map((entry) => [entry.interruptId, entry]));
    for (const id of said.keys())
      if (!parked || !told.has(id))
        throw new FrontError(424, 'interrupt_unknown', `no interrupt ${JSON.stringify(id.slice(0, 64))} waits`);
    const turn = parked as FrontTurn;
    if (turn.approvals.open.some((id) => told.has(id) && !said.has(id)))
      throw new FrontError(
        424,
        'interrupt_open',
        'this thread waits for an answer to its interrupts: resume says all of them',
      );
    this.#core.parked.take(turn.owner, turn.agentId, (other) => other === turn);
    const runs = this.#runs.get(turn);
    await Promise.all(
      [...said.values()].map(async ({ interruptId, approved, answer }) => {
        if (await turn.decide(interruptId, approved, answer)) runs?.settle(interruptId);
      }),
    );
    return turn;
  }

  async #open(exchange: Exchange, agentId: string, input: RunInput, name: string, before: Thread): Promise<FrontTurn> {
    const { messages, tools, context } = input;
    const last = messages.findLast(({ role }) => role === 'user');
    if (!last) throw FrontError.badRequest('messages has no message of a user', 'messages');
    const images = imagesOf(last);
    const thread = isRewound(before, input, last.id)
      ? { sessionId: `${PREFIX}:${crypto.randomUUID()}`, asked: [] }
      : before;
    const { sessionId } = thread;
    const past = this.#core.knows(exchange.owner, { agentId, sessionId })
      ? {}
      : pastOf({ instructions: instructionsOf(messages), history: historyOf(messages, last) });
    const turn = await this.#core.openTurn(exchange, {
      agentId,
      sessionId,
      prompt: textOfMessage(last),
      tools,
      context: { ...past, ...context },
      ...(images.length > 0 ? { attachments: images } : {}),
    });
    const answered = messages
      .filter(({ role, id }) => role === 'user' && id.length <= MAX_ASKED_ID)
      .map(({ id }) => id);
    this.#threads.set(name, { sessionId, asked: answered.slice(-MAX_ASKED) });
    return turn;
  }
}

/**
 * Whether something that was said is taken back: its agent remembers what was said in a session, and that was not said. A
 * thread that tells nothing of what was before goes on.
 */
function isRewound({ asked }: Thread, { messages }: RunInput, lastId: string): boolean {
  const ids = new Set(messages.map(({ id }) => id));
  const knowsOlder = asked.slice(0, -1).some((id) => ids.has(id));
  const newest = asked.at(-1);
  return knowsOlder && newest !== undefined && (!ids.has(newest) || newest === lastId);
}
