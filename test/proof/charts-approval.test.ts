import { describe, expect, it } from 'vitest';
import { type AnyMachineSnapshot, type AnyStateMachine, assign } from 'xstate';
import { type ApprovalEvent, type ApprovalFacts, approvalMachine } from '../../machines/approval.machine.ts';
import { type Message, settle } from '../support/linked.ts';
import { pending, resolved } from '../support/tool-scene.ts';
import { Coverage, type Play, playWalk, walksOf } from './support/chart-walks.ts';
import type { Listener } from './support/listener.ts';
import { Stage } from './support/stage.ts';

/* Every transition of an approval's chart, at the end of the shortest walk to it, against the real broker. */

const GATE_MS = 60_000;
const APPROVE_MS = 5_000;

const asker = { client: {}, id: 1, isAnswered: false };
const events = {
  approve: { type: 'approval.answer', approve: true, resolution: 'approve', asker },
  deny: { type: 'approval.answer', approve: false, resolution: 'no', asker },
  'agent approves': { type: 'approval.settle', resolution: 'approve' },
  'agent denies': { type: 'approval.settle', resolution: 'deny' },
  'agent gives up': { type: 'approval.settle', resolution: 'timeout' },
  'raiser goes': { type: 'approval.withdraw' },
  'nobody says': { type: 'approval.expire' },
  'agent takes it': { type: 'call.answered', id: '', answer: { result: { resolved: true } } },
  'agent does not take it': { type: 'call.answered', id: '', answer: { result: { resolved: false } } },
  'agent fails': { type: 'call.answered', id: '', answer: { error: {} } },
  'agent is silent': { type: 'approve.expired' },
} as const satisfies Record<string, ApprovalEvent>;
type Name = keyof typeof events;
const names = Object.keys(events) as Name[];

type Facts = ApprovalFacts;
type Kind = Facts['kind'];

const factsOf = ({ context }: Pick<AnyMachineSnapshot, 'context'>) => context.approval as Facts;
const note = (change: (event: never) => Partial<Facts>) =>
  assign(({ context, event }) => ({ approval: { ...factsOf({ context }), ...change(event as never) } }));
/** The chart itself; its actions do nothing but note what they would have changed. */
const chart = (approvalMachine as AnyStateMachine).provide({
  actions: {
    askAgent: note(({ approve }: { approve: boolean }) => ({ taken: { approve } })),
    noteSettled: note(({ resolution }: { resolution: 'approve' }) => ({ settledMeanwhile: resolution })),
  },
}) as AnyStateMachine;

function canHappen(name: Name, snapshot: AnyMachineSnapshot): boolean {
  const { kind, settledMeanwhile } = factsOf(snapshot);
  switch (name) {
    case 'agent approves':
    case 'agent denies':
    case 'agent gives up':
      // It says so once.
      return kind === 'chat' && settledMeanwhile === undefined;
    case 'nobody says':
      return kind === 'gate';
    default:
      return true;
  }
}

class ApprovalPlay implements Play<ApprovalEvent> {
  readonly #kind: Kind;
  readonly #stage: Stage;
  readonly #manager: Listener;
  readonly #raiser: Listener;
  /** Answers that were given, in order. */
  readonly #answers: number[] = [];
  readonly #request: number | undefined;
  #id: string | undefined;

  private constructor(kind: Kind, stage: Stage, manager: Listener, raiser: Listener) {
    this.#kind = kind;
    this.#stage = stage;
    this.#manager = manager;
    this.#raiser = raiser;
    if (kind === 'gate') this.#request = raiser.post('host.notify', { message: 'hi' });
    else if (kind === 'asked') this.#request = raiser.post('host.request_approval', { action: 'go' });
    else raiser.client.emit('s', pending('a'));
  }

  static async start(kind: Kind, coverage: Coverage): Promise<ApprovalPlay> {
    const approvals = { methods: kind === 'gate' ? ['host.notify'] : [], timeoutMs: GATE_MS };
    const stage = await Stage.open({ approvals, limits: { approveTimeoutMs: APPROVE_MS } }, coverage);
    const host = await stage.host('host');
    const raiser = kind === 'gate' ? host : await stage.agent('echo');
    if (kind === 'chat') {
      host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
      await settle();
      raiser.client.answer(raiser.client.lastChat(), { accepted: true });
      await settle();
    }
    const play = new ApprovalPlay(kind, stage, await stage.manager(), raiser);
    await settle();
    return play;
  }

  async happen(event: ApprovalEvent): Promise<void> {
    const { client } = this.#raiser;
    const asked = client.received('agent.chat.approve').at(-1);
    if (event.type === 'approval.answer') {
      this.#answers.push(this.#answer(event.approve, event.resolution));
    } else if (event.type === 'approval.settle') client.emit('s', resolved('a', event.resolution));
    else if (event.type === 'approval.withdraw') client.close();
    else if (event.type === 'approval.expire') await this.#stage.advance(GATE_MS + 20);
    else if (event.type === 'approve.expired') await this.#stage.advance(APPROVE_MS + 20);
    else if ('result' in event.answer) client.answer(asked, event.answer.result);
    else client.send({ jsonrpc: '2.0', id: asked.id, error: { code: 7, message: 'no' } });
    await settle();
  }

  /** By the one path, and by the other. */
  #answer(approve: boolean, resolution: string): number {
    return this.#kind === 'chat' && this.#answers.length % 2 === 1
      ? this.#manager.post('agents.chat.approve', { session_id: 's', approval_id: 'a', decision: approve })
      : this.#manager.post('host.resolve_approval', { approval_id: this.#id, resolution });
  }

  async check(state: string): Promise<void> {
    const { approvals } = await this.#stage.ask(this.#manager, 'host.approvals');
    this.#stage.check();
    expect(approvals).toHaveLength(1);
    const [row]: Message[] = approvals;
    this.#id ??= row.id;
    expect(row.status).toBe(state === 'taken' ? 'pending' : state);
    // Whoever has answered has heard what came of it, but for the one whose answer is on its way.
    const waiting = this.#answers.filter((id) => this.#manager.replyTo(id) === undefined);
    expect(waiting).toHaveLength(state === 'taken' ? 1 : 0);
    const reply = this.#request === undefined ? undefined : this.#raiser.replyTo(this.#request);
    if (this.#kind === 'gate' && state === 'pending') expect(reply).toBeUndefined();
    if (this.#kind === 'gate' && state === 'approved') expect(reply.result.kind).toBe('host.notification');
    if (this.#kind === 'gate' && (state === 'denied' || state === 'expired')) expect(reply.error.code).toBe(-32003);
    if (this.#kind === 'asked') expect(reply.result.id).toBe(row.id);
  }

  async finish(state: string): Promise<void> {
    if (state !== 'pending' && state !== 'taken') {
      // The first word decided: nobody has a second.
      const late = this.#manager.post('host.resolve_approval', { approval_id: this.#id, resolution: 'approve' });
      await settle();
      expect(this.#manager.replyTo(late).error.code).toBe(-32016);
      await this.check(state);
    }
    await this.#stage.end();
  }
}

describe('the chart of an approval', () => {
  const coverage = new Coverage();

  it.each<[string, Kind]>([
    ['at the gate', 'gate'],
    ['that a client asked for', 'asked'],
    ['that a turn waits for', 'chat'],
  ])('holds on every walk of one %s', { timeout: 120_000 }, async (_what, kind) => {
    const facts: Facts = { id: 'a', kind, settledMeanwhile: undefined, taken: undefined };
    const walks = walksOf<ApprovalEvent>(chart, {
      input: { approval: facts },
      events: (snapshot) => names.filter((name) => canHappen(name, snapshot)).map((name) => events[name]),
      name: (event) => names.find((name) => events[name] === event) ?? '',
      facts: (snapshot) => JSON.stringify(factsOf(snapshot)),
    });
    for (const walk of walks) await playWalk(walk, () => ApprovalPlay.start(kind, coverage));
  });

  it('has no other transitions than those', () => {
    expect(coverage.missing(approvalMachine)).toEqual([]);
  });
});
