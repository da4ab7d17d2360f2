import type { Internals } from '../../../support/internals.ts';
import type { Message } from '../../../support/linked.ts';
import { Listener } from '../listener.ts';
import type { Story, StoryBook } from './story.ts';

/** What a client has of a turn, on one connection. */
interface Reading {
  story: Story;
  seq: number;
  hasEnded: boolean;
  /** It claimed to have more than there was. */
  isAhead: boolean;
}

/** What a host remembers of a tool's call, in one of its lives: as the SDK's does. */
interface Remembered {
  isDone: boolean;
  /** Requests of the broker's that wait for it. */
  asked: unknown[];
}

type Role = 'controller' | 'observer';

/** A host, or who only watches: it goes and comes, and dies; and holds each event that it is sent against what was said. */
export class ComebackHost {
  readonly name: string;
  connection: Listener | undefined;
  /** In how many calls of one name its tool has run: more than one in a life is a breach. */
  readonly #runs = new Map<string, Remembered>();
  readonly #broker: Internals;
  readonly #book: StoryBook;
  #life = 1;
  /** The tokens of the turns that it has opened in this life: of these it has seen every call. */
  readonly #opened = new Set<string | undefined>();
  #readings = new Map<string, Reading>();
  /** The most that it has of each turn without a gap. */
  readonly #have = new Map<Story, number>();
  readonly #asked = new Map<number, Asked>();

  constructor(name: string, broker: Internals, book: StoryBook) {
    this.name = name;
    this.#broker = broker;
    this.#book = book;
  }

  async come(): Promise<void> {
    if (this.connection) return;
    const client = await this.#broker.host();
    await client.ok('session.init', { tools: [{ name: 'clock' }], params_once: true });
    this.connection = new Listener(this.name, client);
  }

  /** `dies`: with all that it knows. */
  go(how: 'cut' | 'dies', now: number): void {
    const { client } = this.connection ?? {};
    if (!client) return;
    client.cut();
    this.connection = undefined;
    this.#readings.clear();
    this.#asked.clear();
    for (const run of this.#runs.values()) run.asked = [];
    for (const story of this.#book.all) {
      if (story.host !== this) continue;
      story.hostAway ??= now;
      story.host = undefined;
    }
    if (how === 'dies') {
      this.#life += 1;
      this.#runs.clear();
      this.#opened.clear();
      this.#have.clear();
    }
  }

  open(story: Story, windowMs: number): void {
    const { session, token } = story;
    if (this.connection) this.#opened.add(token);
    const params = { agent_id: 'echo', prompt: 'hi', session_id: session };
    this.#ask('agents.chat', { ...params, resume_window_ms: windowMs, resume_token: token }, { kind: 'open', story });
  }

  subscribe(story: Story, role: Role, from: 'own' | 'start' | 'beyond' | number): void {
    const own = this.#have.get(story) ?? 0;
    const after =
      from === 'own' ? own : from === 'start' ? 0 : from === 'beyond' ? story.told.length + 5 : Math.floor(own * from);
    const params = { session_id: story.session, turn_id: story.turnId, resume_token: story.token, after, role };
    this.#ask('agents.chat.subscribe', params, { kind: 'subscribe', story, after, role });
  }

  cancel(story: Story, graceMs: number): void {
    if (this.connection && story.host === this) story.mayEnd.add('cancelled');
    const params = { session_id: story.session, grace_ms: graceMs };
    this.#ask('agents.chat.cancel', params, { kind: 'cancel', story });
  }

  approve(story: Story, approvalId: string, decision: boolean): void {
    const params = { session_id: story.session, approval_id: approvalId, decision };
    this.#ask('agents.chat.approve', params, { kind: 'approve', story, approvalId, decision });
  }

  /** Its tool has done what the oldest call wants, and answers whoever asks for it. */
  answerTool(): void {
    const [id, run] = [...this.#runs].find(([, { isDone }]) => !isDone) ?? [];
    if (!run || id === undefined) return;
    run.isDone = true;
    for (const request of run.asked.splice(0)) this.connection?.client.answer({ id: request }, this.#answerTo(id));
  }

  /** Reads what came. @throws {Error} where a law is broken */
  read(): number {
    const { connection } = this;
    if (!connection) return 0;
    const fresh = connection.read();
    for (const frame of fresh) {
      if (frame.method === 'agents.chat.event') this.#event(frame.params);
      else if (frame.method === 'tools.execute') this.#execute(frame);
      else if (frame.method === 'tools.cancel') this.#cancelled(frame.params.request_id);
      else if (frame.method === undefined) this.#answered(frame);
    }
    return fresh.length;
  }

  /** Turns whose events it is sent, and whose end it has not had. */
  get unfinished(): Story[] {
    return [...this.#readings.values()].filter(({ hasEnded }) => !hasEnded).map(({ story }) => story);
  }

  /** How much it has of a turn. */
  has(story: Story): number {
    return this.#have.get(story) ?? 0;
  }

  #ask(method: string, params: object, asked: Asked): void {
    if (this.connection) this.#asked.set(this.connection.post(method, params), asked);
  }

  #event(event: Message): void {
    const { turn_id, kind, seq, seq_from = seq } = event;
    // Beside the turn's events.
    if (seq === undefined) return;
    const reading = this.#readings.get(turn_id);
    if (!reading) throw new Error(`${this.name} was sent an event of ${turn_id}, which it does not read`);
    const { story } = reading;
    // Others claim to have had what comes before such an end.
    const follows = seq_from === reading.seq + 1 || (event.truncated === true && seq > reading.seq);
    const breach = follows ? story.breachOf(event, reading.isAhead) : `${seq_from} after ${reading.seq}`;
    if (breach !== undefined) throw new Error(`${this.name} was sent ${breach}: ${JSON.stringify(event)}`);
    reading.seq = seq;
    reading.hasEnded = kind === 'done' || kind === 'error';
    const have = this.#have.get(story) ?? 0;
    if (seq_from <= have + 1) this.#have.set(story, Math.max(have, seq));
  }

  #execute({ id, params }: Message): void {
    const { action_id: action, attempt } = params;
    const known = this.#runs.get(action);
    this.#book.count(attempt === 1 ? 'asked for a tool' : known ? 'asked again' : 'asked again, and knows nothing');
    if (known && attempt === 1) throw new Error(`${this.name} was asked twice for ${action}, as if for the first time`);
    if (known?.isDone) this.connection?.client.answer({ id }, this.#answerTo(action));
    else if (known) {
      if (known.asked.length > 0) throw new Error(`${this.name} was asked for ${action} while it waits for it already`);
      known.asked.push(id);
    } else if (attempt > 1 && !this.#opened.has(this.#book.live(params.session_id)?.token)) {
      const error = { code: -32018, message: 'tool cancelled', data: { reason: 'unknown_outcome' } };
      this.connection?.client.send({ jsonrpc: '2.0', id, error });
    } else this.#runs.set(action, { isDone: false, asked: [id] });
  }

  #cancelled(request: unknown): void {
    for (const run of this.#runs.values()) run.asked = run.asked.filter((id) => id !== request);
  }

  /** Each life has answers of its own. */
  #answerTo(action: string): string {
    return `${action} by ${this.name} ${this.#life}`;
  }

  #answered({ id, result, error }: Message): void {
    const asked = this.#asked.get(id);
    if (!asked) return;
    this.#asked.delete(id);
    const { story } = asked;
    if (error) {
      if (asked.kind === 'open') this.#book.all.splice(this.#book.all.indexOf(story), 1);
      return;
    }
    switch (asked.kind) {
      case 'open':
        story.turnId = result.turn_id;
        this.#readings.set(story.turnId, { story, seq: 0, hasEnded: false, isAhead: false });
        story.host = this;
        return;
      case 'subscribe': {
        const hasEnded = isOver(result.status);
        if (!result.recovered) throw new Error(`a small turn was not kept: ${JSON.stringify(result)}`);
        const { after } = asked;
        const isOut = hasEnded && after === result.head;
        this.#readings.set(story.turnId, { story, seq: after, hasEnded: isOut, isAhead: after > result.head });
        this.#book.count(`subscribed as ${asked.role}`);
        if (asked.role !== 'controller' || hasEnded) return;
        story.hostAway = undefined;
        if (story.host !== this) story.host?.relieved(story);
        story.host = this;
        return;
      }
      case 'approve':
        this.#book.count('granted');
        if (result.resolved) story.questions.get(asked.approvalId)?.granted.push(asked.decision);
    }
  }

  /** Another has it now. */
  relieved(story: Story): void {
    // What it was sent until then.
    this.read();
    this.#readings.delete(story.turnId);
  }
}

type Asked = { story: Story } & (
  | { kind: 'open' | 'cancel' }
  | { kind: 'subscribe'; after: number; role: Role }
  | { kind: 'approve'; approvalId: string; decision: boolean }
);

const isOver = (status: string): boolean => ['done', 'failed', 'cancelled', 'abandoned'].includes(status);
