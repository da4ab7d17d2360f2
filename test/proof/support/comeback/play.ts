import { expect } from 'vitest';
import { TURNS } from '../../../../actors/turns/turns.ts';
import { type Internals, startInternals } from '../../../support/internals.ts';
import { settle } from '../../../support/linked.ts';
import { heldBy, watchActors } from '../actors-left.ts';
import { ComebackAgent, type Coming } from './agent.ts';
import { ComebackHost } from './host.ts';
import { type Action, Story, StoryBook } from './story.ts';

/** How long a turn waits for its host, and for its agent. Milliseconds. */
const WINDOW_MS = 6_000;
const AGENT_WINDOW_MS = 8_000;
/** A turn that has ended can be read for so long. */
const AFTER_END_MS = 120_000;
/** Longest that anything takes from when it is asked for. */
const LONG_MS = 20_000;

export type HostName = 'ann' | 'bob';
export type Session = 's' | 't';
export type Saying = 'token' | 'mood' | 'unreadable' | 'withheld' | 'done';

/** One broker, one agent that comes back, two hosts: they do anything that they can, and everything is held against the laws. */
export class ComebackPlay {
  readonly broker: Internals = startInternals({
    limits: {
      agentWindowMs: AGENT_WINDOW_MS,
      agentResumeMs: 2_000,
      agentWaitMs: 0,
      // Its silence is in test/proof/histories.test.ts.
      staleAfterMs: 24 * 60 * 60_000,
      resumeAfterEndMs: AFTER_END_MS,
    },
  });
  readonly #actorsLeft = watchActors(this.broker);
  readonly #book = new StoryBook();
  readonly #agent = new ComebackAgent(this.broker, () => this.#now, this.#book);
  readonly #hosts: Readonly<Record<HostName, ComebackHost>> = {
    ann: new ComebackHost('ann', this.broker, this.#book),
    bob: new ComebackHost('bob', this.broker, this.#book),
  };
  #now = 0;
  #names = 0;

  static async start(): Promise<ComebackPlay> {
    const play = new ComebackPlay();
    await play.agentComes('all');
    for (const name of ['ann', 'bob'] as const) await play.hostComes(name);
    return play;
  }

  /** How often what has happened. */
  get counts(): ReadonlyMap<string, number> {
    return this.#book.counts;
  }

  /* Hosts. */

  async hostComes(name: HostName): Promise<void> {
    await this.#hosts[name].come();
    await this.#pump();
  }

  async hostGoes(name: HostName, how: 'cut' | 'dies'): Promise<void> {
    this.#hosts[name].go(how, this.#now);
    await this.#pump();
  }

  async open(name: HostName, session: Session): Promise<void> {
    const host = this.#hosts[name];
    if (!host.connection) return;
    this.#names += 1;
    const story = new Story(session, `${'t'.repeat(32)}${this.#names}`);
    this.#book.all.push(story);
    host.open(story, WINDOW_MS);
    await this.#pump();
  }

  async subscribe(
    name: HostName,
    session: Session,
    role: 'controller' | 'observer',
    from: 'own' | 'start' | 'beyond' | number,
  ): Promise<void> {
    const story = this.#book.last(session);
    if (story) this.#hosts[name].subscribe(story, role, from);
    await this.#pump();
  }

  async cancel(name: HostName, session: Session, graceMs: number): Promise<void> {
    const story = this.#book.last(session);
    if (story) this.#hosts[name].cancel(story, graceMs);
    await this.#pump();
  }

  async approve(name: HostName, session: Session, decision: boolean): Promise<void> {
    const story = this.#book.last(session);
    const open = [...(story?.questions.values() ?? [])].find(({ effect }) => effect === undefined);
    const last = open ?? [...(story?.questions.values() ?? [])].at(-1);
    if (story && last) this.#hosts[name].approve(story, last.id, decision);
    await this.#pump();
  }

  async hostAnswersTool(name: HostName): Promise<void> {
    this.#hosts[name].answerTool();
    await this.#pump();
  }

  /* The agent. */

  async agentComes(how: Coming): Promise<void> {
    await this.#agent.come(how);
    await this.#pump();
  }

  /** It names the turns that it goes on with, if it has not yet. */
  async agentNames(): Promise<void> {
    this.#agent.name();
    await this.#pump();
  }

  async agentGoes(how: 'cut' | 'close'): Promise<void> {
    this.#agent.go(how);
    await this.#pump();
  }

  async say(session: Session, what: Saying): Promise<void> {
    const story = this.#served(session);
    if (!story) return;
    this.#names += 1;
    const text = `${this.#names} `;
    if (what === 'mood') this.#agent.say(story, { kind: 'mood', mood: text });
    else if (what === 'done') this.#agent.say(story, { kind: 'done', finish_reason: 'stop' });
    else {
      const how = { isSkipped: what === 'unreadable', isWithheld: what === 'withheld' };
      this.#agent.say(story, { kind: 'token', delta: text }, how);
    }
    await this.#pump();
  }

  async repeat(session: Session, count: number): Promise<void> {
    const story = this.#served(session);
    if (story) this.#agent.repeat(story, count);
    await this.#pump();
  }

  async letGo(session: Session, count: number): Promise<void> {
    const story = this.#served(session);
    if (story) this.#agent.letGo(story, count);
    await this.#pump();
  }

  async ask(session: Session): Promise<void> {
    const story = this.#served(session);
    if (!story || story.isSaid) return;
    this.#names += 1;
    const id = `q${this.#names}`;
    story.questions.set(id, { id, effect: undefined, granted: [] });
    this.#agent.say(story, { kind: 'approval_pending', approval_id: id, tool: 'rm' });
    await this.#pump();
  }

  async agentDecides(isLost: boolean): Promise<void> {
    this.#agent.decide(isLost);
    await this.#pump();
  }

  async useTool(session: Session): Promise<void> {
    const story = this.#served(session);
    if (!story) return;
    this.#names += 1;
    const action: Action = {
      id: `a${this.#names}`,
      attempts: 0,
      asked: undefined,
      answers: [],
      isWithdrawn: false,
      isGivenUp: false,
    };
    story.actions.set(action.id, action);
    this.#agent.use(story, action);
    await this.#pump();
  }

  /** The newest call that it has made, once more; or it takes it back. */
  async againTool(session: Session, what: 'again' | 'withdraw'): Promise<void> {
    const story = this.#served(session);
    const action = [...(story?.actions.values() ?? [])].findLast(({ attempts }) => attempts > 0);
    if (story && action && what === 'again') this.#agent.use(story, action);
    else if (action) this.#agent.withdraw(action);
    await this.#pump();
  }

  /* Time, and the end. */

  async wait(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      const step = Math.min(500, left);
      this.#now += step;
      for (const story of this.#book.all) {
        const { hostAway, agentAway } = story;
        if (hostAway !== undefined && this.#now - hostAway >= WINDOW_MS) story.mayEnd.add('cancelled');
        if (agentAway !== undefined && this.#now - agentAway >= AGENT_WINDOW_MS) story.mayEnd.add('agent_disconnected');
      }
      this.broker.clock.increment(step);
      await this.#pump();
    }
  }

  /** All come back and bring everything to its end; what nothing has ended is whole. Then all go, and nothing is left. */
  async end(): Promise<void> {
    const { ann, bob } = this.#hosts;
    for (const name of ['ann', 'bob'] as const) await this.hostComes(name);
    if (!this.#agent.connection) await this.agentComes('all');
    await this.agentNames();
    for (const session of ['s', 't'] as const) await this.subscribe('ann', session, 'controller', 'own');
    for (let round = 0; round < 30; round += 1) {
      for (const name of ['ann', 'bob'] as const) await this.hostAnswersTool(name);
      await this.agentDecides(false);
    }
    for (const story of this.#book.all) this.#judgeCalls(story);
    for (const session of ['s', 't'] as const) await this.say(session, 'done');
    await this.wait(LONG_MS);
    for (const story of this.#book.all) for (const host of [ann, bob]) host.subscribe(story, 'observer', 'start');
    await this.#pump();
    for (const story of this.#book.all) {
      this.#judge(story);
      this.#book.count('turns');
      if (story.isNumbered) this.#book.count(`ended: ${story.ending}`);
    }
    expect([...ann.unfinished, ...bob.unfinished].map(({ turnId }) => turnId)).toEqual([]);
    await this.agentGoes('close');
    for (const name of ['ann', 'bob'] as const) await this.hostGoes(name, 'cut');
    await this.wait(LONG_MS);
    this.broker.clock.increment(AFTER_END_MS + LONG_MS);
    await settle();
    expect(heldBy(this.broker)).toEqual({});
    expect(this.broker.state.held.bytes).toBe(0);
    expect(this.broker.state.get(TURNS).orphans.size).toBe(0);
    expect(this.#actorsLeft()).toEqual([]);
  }

  #served(session: Session): Story | undefined {
    const story = this.#book.last(session);
    return story && this.#agent.serves(story) ? story : undefined;
  }

  /** Whoever asks for something is answered, as long as the turn lives and somebody is there. */
  #judgeCalls(story: Story): void {
    if (story.ending !== undefined && story.ending !== 'said') return;
    for (const { id, answers, asked, isWithdrawn, attempts, isGivenUp } of story.actions.values()) {
      if (asked !== undefined) throw new Error(`${id} was never answered`);
      const results = answers.filter((answer) => / by /.test(answer));
      if (results.some((result) => !result.startsWith(`${id} by `))) throw new Error(`${id} was answered ${results}`);
      if (new Set(results).size > 1) throw new Error(`${id} was run more than once: ${results}`);
      if (attempts === 0 || isWithdrawn || isGivenUp || !story.isNumbered || story.mayEnd.size > 0) continue;
      if (answers.length === 0 || answers.includes('turn_ended')) throw new Error(`${id} has no answer: ${answers}`);
    }
  }

  #judge(story: Story): void {
    const { turnId, ending, mayEnd, isSaid, said, released, questions, told } = story;
    for (const { id, effect, granted } of questions.values()) {
      if (granted.length > 1) throw new Error(`${id} was granted ${granted.length} times`);
      if (granted.some((decision) => decision !== effect))
        throw new Error(`${id} was granted otherwise than it counts`);
    }
    const has = Math.max(...Object.values(this.#hosts).map((host) => host.has(story)));
    if (ending === 'said' && has !== told.length)
      throw new Error(`${has} of ${told.length} events of ${turnId} are read`);
    if (mayEnd.size > 0) return;
    if (!isSaid) throw new Error(`${turnId} was not ended by its agent, and nothing else ends it`);
    if (ending !== 'said') throw new Error(`its agent has ended ${turnId}, and it is ${ending}`);
    if (story.isNumbered && this.#agent.serves(story) && released !== said.length)
      throw new Error(`${turnId}: its agent has ${said.length - released} events that it is never let go of`);
  }

  /** Until nobody has anything more to say. */
  async #pump(): Promise<void> {
    for (let isQuiet = false; !isQuiet; ) {
      await settle();
      const frames = this.#agent.read();
      let count = frames.length;
      for (const frame of frames) {
        if (frame.method !== 'agent.chat') continue;
        const story = this.#book.all.find(
          ({ session, turnId }) => session === frame.params.session_id && turnId === '',
        );
        if (!story) throw new Error(`the agent was asked for ${frame.params.session_id} once more`);
        story.turnId = frame.params.turn_id;
        this.#agent.accept(frame, story);
      }
      for (const host of Object.values(this.#hosts)) count += host.read();
      isQuiet = count === 0;
    }
  }
}
