import type { Internals } from '../../../support/internals.ts';
import type { LinkedClient, Message } from '../../../support/linked.ts';
import { Listener } from '../listener.ts';
import type { Action, Said, Story, StoryBook } from './story.ts';

/** How long the broker waits for an answer to `agent.chat.approve`. Milliseconds. */
const APPROVE_MS = 5_000;

/** How an agent comes (back). */
export type Coming = 'all' | 'some' | 'late' | 'another process' | 'without resume';

/** A turn that it answers. */
interface Serving {
  story: Story;
  /** It may speak: the broker has said where it goes on. */
  isBack: boolean;
}

/** An agent that numbers its events, keeps them, and goes on with them; one process after the other. */
export class ComebackAgent {
  connection: Listener | undefined;
  readonly #broker: Internals;
  readonly #now: () => number;
  readonly #book: StoryBook;
  #serving = new Map<string, Serving>();
  /** Requests for a decision that it has not answered on this connection. */
  readonly approves: { frame: Message; at: number }[] = [];
  #wantsResume = true;
  #resume: { id: number; named: Story[] } | undefined;

  constructor(broker: Internals, now: () => number, book: StoryBook) {
    this.#broker = broker;
    this.#now = now;
    this.#book = book;
  }

  /** The turns that it goes on with. */
  get stories(): Story[] {
    return [...this.#serving.values()].map(({ story }) => story);
  }

  serves(story: Story): boolean {
    return this.#serving.has(story.turnId);
  }

  async come(how: Coming): Promise<void> {
    const client = await this.#broker.agent('echo', { resume: how !== 'without resume' });
    this.#lost(this.#now());
    if (how === 'another process' || how === 'without resume') this.#serving.clear();
    this.#wantsResume = how !== 'without resume';
    this.connection = new Listener('the agent', client, 1);
    // What it does not name is replaced; also what it names too late.
    const named = how === 'late' || how === 'without resume' ? [] : this.stories;
    if (how === 'some') named.splice(Math.ceil(named.length / 2));
    for (const story of this.#unnamed(named)) story.mayEnd.add('agent_replaced');
    if (how !== 'late' && this.#wantsResume) this.name(named);
  }

  /** `agent.resume`, with these. */
  name(named: readonly Story[] = this.stories): void {
    if (!this.connection || !this.#wantsResume || this.#resume) return;
    for (const story of this.#unnamed(named)) story.mayEnd.add('agent_replaced');
    const turns = named.filter(({ isNumbered }) => isNumbered).map(({ claim }) => claim);
    this.#resume = { id: this.connection.post('agent.resume', { turns }), named: [...named] };
  }

  /** Its connection is lost; or it is through, and says so. */
  go(how: 'cut' | 'close'): void {
    const { client } = this.connection ?? {};
    if (!client) return;
    if (how === 'close') {
      for (const story of this.#everServed) story.mayEnd.add('agent_disconnected');
      client.close();
    } else client.cut();
    this.#lost(this.#now());
    if (how === 'close') this.#serving.clear();
  }

  /** It is asked for an answer: it takes it. */
  accept(request: Message, story: Story): void {
    story.isNumbered = this.#wantsResume;
    this.#serving.set(story.turnId, { story, isBack: true });
    this.connection?.client.answer(request, { accepted: true });
  }

  /** Says what comes next. `isWithheld`: it forgets to send it, and has to go back. */
  say(story: Story, fields: Message, { isSkipped = false, isWithheld = false } = {}): void {
    const serving = this.#serving.get(story.turnId);
    if (!serving || story.isSaid || (!story.isNumbered && !serving.isBack)) return;
    const said: Said = { fields, isSkipped };
    story.said.push(said);
    if (fields.kind === 'done') {
      story.isSaid = true;
      for (const action of story.actions.values()) action.isGivenUp = true;
    }
    if (!isWithheld || !story.isNumbered) this.#send(serving, story.said.length);
  }

  /** It has no room for so many of the oldest that it keeps; of those the text stays. What was never sent may be among them. */
  letGo(story: Story, count: number): void {
    const serving = this.#serving.get(story.turnId);
    if (!serving || !story.isNumbered) return;
    const last = serving.isBack ? story.arrived : story.said.length - 1;
    const from = Math.max(story.keptFrom, story.released + 1);
    story.keptFrom = Math.max(story.keptFrom, Math.min(from + count, last + 1));
  }

  /** Sends again what it keeps, from so many events before the last. */
  repeat(story: Story, count: number): void {
    const serving = this.#serving.get(story.turnId);
    if (serving && story.isNumbered) this.#sendAfter(serving, Math.max(story.released, story.said.length - count));
  }

  /** Uses a tool of its host's, under a name that it has not used before; or the same again. */
  use(story: Story, action: Action): void {
    const serving = this.#serving.get(story.turnId);
    if (!this.connection || !serving?.isBack || action.asked !== undefined || action.isWithdrawn) return;
    action.attempts += 1;
    const call = { session_id: story.session, tool: 'clock', action_id: action.id, attempt: action.attempts };
    action.asked = this.connection.post('tools.execute', { ...call, timeout_ms: 3_600_000 });
  }

  withdraw(action: Action): void {
    if (!this.connection || action.asked === undefined) return;
    action.isWithdrawn = true;
    this.connection.client.notify('tools.cancel', { id: action.asked });
  }

  /**
   * Answers the oldest request for a decision. It acts on the first for a question, and on no other. `isLost`: its connection is
   * cut before the answer is out.
   */
  decide(isLost: boolean): void {
    const request = this.approves.shift()?.frame;
    const { client } = this.connection ?? {};
    if (!request || !client) return;
    const { session_id, approval_id, decision } = request.params;
    const story = this.stories.find(({ session, questions }) => session === session_id && questions.has(approval_id));
    const question = story?.questions.get(approval_id);
    const isFirst = question !== undefined && question.effect === undefined;
    if (isFirst) question.effect = decision;
    if (isLost) this.go('cut');
    else client.answer(request, { resolved: isFirst });
    if (!isFirst || !story) return;
    this.say(story, { kind: 'approval_resolved', approval_id, resolution: decision ? 'approve' : 'deny' });
  }

  /** Reads what came. @returns what else it was sent, for others to see */
  read(): Message[] {
    const { connection } = this;
    if (!connection) return [];
    const fresh = connection.read();
    for (const frame of fresh) {
      if (frame.method === 'agent.chat.approve') this.#asked(frame);
      else if (frame.method === 'agent.chat.ack') this.#acked(frame.params.acks);
      else if (frame.method === 'agent.chat.rewind') this.#rewind(frame.params);
      else if (frame.method === 'agent.chat.cancel') this.#cancelled(frame.params);
      else if (frame.id === this.#resume?.id && frame.method === undefined) this.#resumed(frame);
      else if (frame.method === undefined) this.#answered(frame);
    }
    // One that was replaced reads no more.
    if (connection.client.closed !== undefined && this.connection === connection) this.#lost(this.#now());
    return fresh;
  }

  /** One decision is on its way at a time, until it is given up. */
  #asked(request: Message): void {
    const { approval_id: id } = request.params;
    const before = this.approves.find(({ frame }) => frame.params.approval_id === id);
    if (before && this.#now() < before.at + APPROVE_MS) throw new Error(`the agent was asked for ${id} twice at once`);
    this.approves.push({ frame: request, at: this.#now() });
  }

  #unnamed(named: readonly Story[]): Story[] {
    return this.#everServed.filter((story) => !named.includes(story));
  }

  /** Of all turns those that this agent has taken: also ones that this process knows nothing of. */
  get #everServed(): Story[] {
    return this.#book.all.filter(({ turnId, ending }) => turnId !== '' && ending === undefined);
  }

  #lost(now: number): void {
    this.connection = undefined;
    this.#resume = undefined;
    this.approves.length = 0;
    for (const serving of this.#serving.values()) {
      serving.isBack = false;
      if (!serving.story.isNumbered) serving.story.mayEnd.add('agent_disconnected').add('agent_replaced');
      for (const action of serving.story.actions.values()) action.asked = undefined;
    }
    for (const story of this.#everServed) story.agentAway ??= now;
  }

  /** Where the host has cancelled it there may be grace, and it may say how it ends. */
  #cancelled({ turn_id, reason }: Message): void {
    if (reason !== 'host_cancelled') this.#forget(turn_id);
  }

  #forget(turnId: string): void {
    this.#serving.delete(turnId);
  }

  #resumed({ result }: Message): void {
    const named = this.#resume?.named ?? [];
    this.#resume = undefined;
    for (const { turn_id, status, after, released, cancel } of result.turns) {
      const serving = this.#serving.get(turn_id);
      const story = this.#book.byTurn(turn_id);
      if (!story || !named.includes(story)) throw new Error(`a row of ${turn_id}, which was not named`);
      // It was told meanwhile that nobody waits.
      if (!serving) continue;
      if (status !== 'resumed') {
        if (story.ending === undefined && story.mayEnd.size === 0 && !story.isSaid)
          throw new Error(`its agent was told that ${turn_id} is ${status}, and nothing has ended it`);
        // Whoever is told so keeps nothing of it.
        story.released = story.said.length;
        this.#forget(turn_id);
        continue;
      }
      story.agentAway = undefined;
      this.#book.count('resumed');
      if (story.recover()) this.#book.count('recovered');
      this.#noteAck(story, after, released);
      serving.isBack = true;
      this.#sendAfter(serving, Math.max(after, released));
      if (cancel) continue;
      // As an agent of the SDK does: nobody has answered these, and somebody may have been asked.
      for (const action of story.actions.values()) if (action.answers.length === 0) this.use(story, action);
    }
  }

  #acked(acks: [string, number, number][]): void {
    for (const [turnId, received, released] of acks) {
      const story = this.#book.byTurn(turnId);
      if (!story) throw new Error(`an ack of ${turnId}, which there is not`);
      this.#noteAck(story, received, released);
    }
  }

  #noteAck(story: Story, received: number, released: number): void {
    if (received > story.said.length) throw new Error(`an ack of ${received}, of ${story.said.length} events said`);
    if (received < story.received) throw new Error(`an ack of ${received}, and ${story.received} had arrived`);
    if (released > received) throw new Error(`the agent is to let go of ${released}, and ${received} have arrived`);
    story.received = received;
    story.released = Math.max(story.released, released);
  }

  #rewind({ turn_id, after }: Message): void {
    const serving = this.#serving.get(turn_id);
    if (!serving) return;
    this.#book.count('rewound');
    if (after < serving.story.released) throw new Error(`the agent is to send what it has let go of, after ${after}`);
    this.#sendAfter(serving, after);
  }

  #sendAfter(serving: Serving, after: number): void {
    for (let aseq = Math.max(after + 1, serving.story.keptFrom); aseq <= serving.story.said.length; aseq += 1)
      this.#send(serving, aseq);
  }

  #send({ story, isBack }: Serving, aseq: number): void {
    const client: LinkedClient | undefined = this.connection?.client;
    if (!client || !isBack) return;
    const { fields, isSkipped } = story.said[aseq - 1] as Said;
    // Without what an event of its kind needs.
    const event = isSkipped ? { kind: 'token' } : fields;
    if (aseq === story.arrived + 1) story.arrived = aseq;
    const number = story.isNumbered ? { aseq } : {};
    client.emit(story.session, { ...event, turn_id: story.turnId, ...number });
  }

  #answered({ id, result, error }: Message): void {
    for (const { story } of this.#serving.values()) {
      for (const action of story.actions.values()) {
        if (action.asked !== id) continue;
        action.asked = undefined;
        // Asked again as soon as may be, as an agent of the SDK does.
        if (error?.data?.reason === 'host_disconnected' || error?.data?.reason === 'host_replaced') {
          if (error.data.reason === 'host_disconnected') this.use(story, action);
          else action.answers.push('host_replaced');
        } else action.answers.push(result === undefined ? String(error?.data?.reason ?? error?.code) : result);
      }
    }
  }
}
