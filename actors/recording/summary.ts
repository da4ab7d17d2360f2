import { type TurnValue, turnStatusOf } from '../../machines/turn-status.ts';
import { DEFAULT_TENANT } from '../../protocol/principal.ts';
import { ENDED_STATES } from '../../protocol/recorded-states.ts';
import type { RecordedState, RecordedTurn } from '../../protocol/recording.ts';
import { textView } from '../shown/view.ts';
import type { Turn } from '../turns/turn-record.ts';

/** Characters of a prompt, and of an error's message, that a line of a table has. */
const MAX_SHOWN = 400;
/** Names of tools that are listed. */
const MAX_TOOL_NAMES = 100;
const MAX_NAME = 256;
const ENDINGS: ReadonlySet<RecordedState> = new Set(ENDED_STATES);

/** What a line of a table tells of a turn, kept while it happens. */
export class Summary {
  readonly #turn: RecordedTurn;
  readonly #tools: Set<string>;
  /** Tool calls since it began here. An agent may tell of those that it makes through the broker: the greater number counts. */
  readonly #calls = { broker: { all: 0, failed: 0 }, agent: { all: 0, failed: 0 } };
  /** Approvals that wait, and since when one does. */
  #open = 0;
  #openSince = 0;
  #lastAt = 0;
  /** By how much the wall's clock was ahead when it began: within a turn no clock jumps. Milliseconds. */
  readonly #ahead: number;
  /** When the first token came, and the last. In Unix milliseconds. */
  firstTokenAt = 0;
  lastTokenAt = 0;

  private constructor(turn: RecordedTurn, ahead: number) {
    this.#ahead = ahead;
    this.#turn = turn;
    this.#tools = new Set(turn.tool_names);
    if (turn.first_token_ms === undefined) return;
    this.firstTokenAt = turn.started_at + turn.first_token_ms;
    this.lastTokenAt = this.firstTokenAt + (turn.streaming_ms ?? 0);
  }

  /** Of a turn that begins to be recorded. */
  static of(turn: Turn, now: number, ahead: number): Summary {
    const { tenant, sub } = turn.owner;
    return new Summary(
      {
        turn_id: turn.id,
        session_id: turn.sessionId,
        agent_id: turn.agentId,
        // Of a guest's turn the connection at its own broker, which a person can find.
        host: turn.host?.origin ?? turn.openerId,
        principal: sub,
        ...(tenant === DEFAULT_TENANT ? {} : { tenant }),
        ...(turn.front === undefined ? {} : { front: turn.front }),
        prompt: textView(turn.promptHead, MAX_SHOWN),
        state: 'dispatching',
        started_at: Math.round(now + ahead),
        tokens: 0,
        tools: 0,
        tools_failed: 0,
        tool_names: [],
        approvals: 0,
        waited_ms: 0,
      },
      ahead,
    );
  }

  /** Of one that was kept. */
  static from(turn: RecordedTurn, ahead: number): Summary {
    return new Summary({ ...turn }, ahead);
  }

  get turnId(): string {
    return this.#turn.turn_id;
  }
  get startedAt(): number {
    return this.#turn.started_at;
  }
  get endedAt(): number | undefined {
    return this.#turn.ended_at;
  }
  get state(): RecordedState {
    return this.#turn.state;
  }
  get agentId(): string {
    return this.#turn.agent_id;
  }
  /** Characters that are searched where a text is looked for, apart from the answer. */
  get words(): readonly string[] {
    const { prompt, error } = this.#turn;
    return error ? [prompt, error.message] : [prompt];
  }

  hasCalled(tool: string): boolean {
    return this.#tools.has(tool);
  }

  /** A moment of the broker's clock, in Unix milliseconds. */
  wall(at: number): number {
    return at + this.#ahead;
  }

  token(now: number): void {
    const at = this.wall(now);
    if (this.#turn.tokens === 0) this.firstTokenAt = at;
    this.#turn.tokens += 1;
    this.lastTokenAt = at;
  }

  /** Somebody's tool is called through the broker; or the agent says that it calls one, which may be the same. */
  toolCalled(name: string, by: 'broker' | 'agent'): void {
    this.#calls[by].all += 1;
    if (this.#tools.size < MAX_TOOL_NAMES) this.#tools.add(name.slice(0, MAX_NAME));
  }

  /** It has failed; or the agent says so. */
  toolFailed(by: 'broker' | 'agent'): void {
    this.#calls[by].failed += 1;
  }

  approvalRaised(now: number): void {
    this.#turn.approvals += 1;
    if (this.#open === 0) this.#openSince = now;
    this.#open += 1;
  }

  approvalEnded(now: number): void {
    if (this.#open === 0) return;
    this.#open -= 1;
    if (this.#open === 0) this.#turn.waited_ms += Math.round(now - this.#openSince);
  }

  /** Where its chart stands now. */
  stands(value: TurnValue): void {
    this.#turn.state = turnStatusOf(value);
  }

  /** Why it failed. What was said first counts: the rest follows from it. */
  failed(code: unknown, message: unknown): void {
    if (this.#turn.error) return;
    this.#turn.error = {
      code: typeof code === 'number' ? code : textView(String(code ?? 'error'), MAX_NAME - 1),
      message: textView(String(message ?? ''), MAX_SHOWN),
    };
  }

  /** It is over, in the state in which it stands. */
  ended(now: number): void {
    while (this.#open > 0) this.approvalEnded(now);
    this.#turn.ended_at = Math.round(this.wall(now));
    if (!ENDINGS.has(this.#turn.state)) this.#turn.state = 'failed';
  }

  /** It was there when the broker stopped, and nobody has taken it up: its records end where it stood. */
  lost(): void {
    const { started_at, first_token_ms = 0, streaming_ms = 0 } = this.#turn;
    this.#turn.ended_at = Math.max(this.#lastAt, started_at + first_token_ms + streaming_ms);
    this.#turn.state = 'failed';
    this.failed('broker_stopped', 'the broker was stopped while it ran, and it was not taken up again');
  }

  /** When something was last heard of it, where that is known from its records. */
  heardAt(at: number): void {
    this.#lastAt = Math.max(this.#lastAt, at);
  }

  /** It began before a restart: what was known of it then comes first. */
  precededBy(turn: RecordedTurn): void {
    const own = this.#turn;
    own.started_at = turn.started_at;
    own.prompt = turn.prompt;
    own.host = turn.host;
    for (const name of turn.tool_names) this.#tools.add(name);
    for (const name of ['tokens', 'tools', 'tools_failed', 'approvals', 'waited_ms'] as const) own[name] += turn[name];
    if (turn.first_token_ms === undefined) return;
    this.firstTokenAt = turn.started_at + turn.first_token_ms;
    this.lastTokenAt ||= this.firstTokenAt + (turn.streaming_ms ?? 0);
  }

  /** It goes on. */
  resumed(): void {
    delete this.#turn.ended_at;
    if (this.#turn.error?.code === 'broker_stopped') delete this.#turn.error;
  }

  /** As it is told. `now`: for what still runs, in the clock's milliseconds. */
  told(now: number): RecordedTurn {
    const turn = this.#turn;
    const waiting = this.#open > 0 ? Math.max(0, Math.round(now - this.#openSince)) : 0;
    const { firstTokenAt, lastTokenAt } = this;
    const { broker, agent } = this.#calls;
    return {
      ...turn,
      tools: turn.tools + Math.max(broker.all, agent.all),
      tools_failed: turn.tools_failed + Math.max(broker.failed, agent.failed),
      tool_names: [...this.#tools],
      waited_ms: turn.waited_ms + waiting,
      ...(turn.tokens === 0
        ? {}
        : {
            first_token_ms: Math.max(0, Math.round(firstTokenAt - turn.started_at)),
            streaming_ms: Math.max(0, Math.round(lastTokenAt - firstTokenAt)),
          }),
    };
  }
}
