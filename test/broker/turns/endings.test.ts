import { expect, test } from 'vitest';
import { type Linked, type LinkedClient, type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';

/*
 * Every way a turn can end, wherever it stands, and what exactly either side receives (wire.md section 6). After each
 * the agent goes on as if nothing had happened, a minute passes, and nobody may hear anything more.
 */

interface Scene {
  linked: Linked;
  host: LinkedClient;
  agent: LinkedClient;
  chat: Message;
}
type Stage = 'dispatching' | 'streaming' | 'parked' | 'cancelling';

const EVERY: Stage[] = ['dispatching', 'streaming', 'parked', 'cancelling'];
const ACCEPTED: Stage[] = ['streaming', 'parked', 'cancelling'];
/** What the host receives from the ending on: `error N` and `result` for its chat, `cancelled` for its cancel, events. */
const own = (kind: string) => [kind];
const made = (kind: string, why: string) => [`${kind} ${why} synthesized`];

interface Ending {
  when: string;
  in: Stage[];
  run(scene: Scene): Promise<unknown> | unknown;
  host: string[] | ((stage: Stage) => string[]);
  /** Reasons of `agent.chat.cancel`, from the ending on. */
  agent: string[] | ((stage: Stage) => string[]);
  how: string | ((stage: Stage) => string);
}

const emit = (scene: Scene, event: object) => scene.agent.emit('s', event);
const before = (stage: Stage) => stage === 'dispatching';
const cancelled = made('done', 'cancelled');

const endings: Ending[] = [
  {
    when: 'the agent says done',
    in: ACCEPTED,
    run: (scene) => emit(scene, { kind: 'done', finish_reason: 'stop' }),
    host: own('done stop'),
    agent: [],
    how: 'done',
  },
  {
    when: 'the agent says error',
    in: ACCEPTED,
    run: (scene) => emit(scene, { kind: 'error', error: 'oh', code: 7 }),
    host: own('error 7'),
    agent: [],
    how: 'failed',
  },
  {
    when: 'the agent says auth_required',
    in: ACCEPTED,
    run: (scene) => emit(scene, { kind: 'auth_required', reason: 'expired', message: 'm' }),
    host: own('auth_required expired'),
    agent: [],
    how: 'done',
  },
  {
    when: 'the agent rejects the chat',
    in: ['dispatching'],
    run: ({ agent, chat }) => agent.answer(chat, { accepted: false }),
    host: ['error -32012'],
    agent: [],
    how: 'refused',
  },
  {
    when: 'the agent does not answer in time',
    in: ['dispatching'],
    run: ({ linked }) => linked.advance(5_020),
    host: ['error -32013'],
    // Once it acks after all.
    agent: ['ack_timeout'],
    how: 'refused',
  },
  {
    when: 'more overtakes the ack than may wait',
    in: ['dispatching'],
    run: (scene) => emit(scene, { kind: 'token', delta: 'x'.repeat(1024 * 1024) }),
    host: ['error -32020'],
    agent: ['ack_timeout'],
    how: 'refused',
  },
  {
    when: 'the host cancels',
    in: EVERY,
    run: ({ host }) => host.call('agents.chat.cancel', { session_id: 's' }),
    host: (stage) => [...(before(stage) ? ['result'] : []), 'cancelled', ...cancelled],
    agent: (stage) => (stage === 'cancelling' ? [] : ['host_cancelled']),
    how: 'cancelled',
  },
  {
    when: 'the host role cancels',
    in: EVERY,
    run: async ({ linked }) => (await linked.manager()).call('agents.chat.cancel', { session_id: 's' }),
    host: (stage) => [...(before(stage) ? ['result'] : []), ...cancelled],
    agent: (stage) => (stage === 'cancelling' ? [] : ['host_cancelled']),
    how: 'cancelled',
  },
  {
    when: 'the host cancels and the grace passes',
    in: ['dispatching', 'streaming', 'parked'],
    run: async ({ linked, host }) => {
      host.post('agents.chat.cancel', { session_id: 's', grace_ms: 1_000 });
      await linked.advance(1_020);
    },
    host: (stage) => [...(before(stage) ? ['result'] : []), 'cancelled', ...cancelled],
    agent: ['host_cancelled'],
    how: 'cancelled',
  },
  {
    when: 'the grace passes',
    in: ['cancelling'],
    run: ({ linked }) => linked.advance(30_020),
    host: cancelled,
    agent: [],
    how: 'cancelled',
  },
  {
    when: 'the host replaces it',
    in: EVERY,
    run: async ({ linked, host }) => {
      await linked.agent('other');
      await host.call('agents.chat', { agent_id: 'other', prompt: 'x', session_id: 's', on_busy: 'replace' });
      await host.call('agents.chat.cancel', { session_id: 's' });
    },
    // The new turn is accepted and cancelled in its turn: a terminal for each, one.
    host: (stage) => [...(before(stage) ? ['result'] : []), ...cancelled, 'result', 'cancelled', ...cancelled],
    agent: (stage) => (stage === 'cancelling' ? [] : ['replaced']),
    how: 'cancelled',
  },
  {
    when: 'the host disconnects',
    in: EVERY,
    run: ({ host }) => host.close(),
    host: [],
    agent: (stage) => (stage === 'cancelling' ? [] : ['host_disconnected']),
    how: 'abandoned',
  },
  {
    when: 'the agent disconnects',
    in: EVERY,
    run: ({ agent }) => agent.close(),
    host: (stage) => (before(stage) ? ['error -32011'] : made('error', 'agent_disconnected')),
    agent: [],
    how: (stage) => (before(stage) ? 'refused' : 'failed'),
  },
  {
    when: 'the agent is removed',
    in: EVERY,
    run: async ({ linked }) => (await linked.manager()).ok('agents.remove', { id: 'echo' }),
    host: (stage) => (before(stage) ? ['error -32011'] : made('error', 'agent_disconnected')),
    agent: [],
    how: (stage) => (before(stage) ? 'refused' : 'failed'),
  },
  {
    when: 'the agent connects anew',
    in: EVERY,
    run: ({ linked }) => linked.agent('echo'),
    host: (stage) => (before(stage) ? ['error -32011'] : made('error', 'agent_replaced')),
    agent: (stage) => (stage === 'cancelling' ? [] : ['agent_replaced']),
    how: (stage) => (before(stage) ? 'refused' : 'failed'),
  },
  {
    when: 'the agent is silent for too long',
    in: ['streaming'],
    run: ({ linked }) => linked.advance(15 * 60_000 + 5_000),
    host: made('error', 'stale'),
    agent: ['stale'],
    how: 'failed',
  },
  {
    when: 'the broker stops and its time is over',
    in: ['streaming', 'parked'],
    run: ({ linked }) => {
      void linked.broker.close();
      return linked.advance(10_000);
    },
    host: made('error', 'draining'),
    agent: ['draining'],
    how: 'failed',
  },
  {
    when: 'the broker stops, its time is over, and the grace is not',
    in: ['cancelling'],
    run: ({ linked }) => {
      void linked.broker.close();
      return linked.advance(10_000);
    },
    host: cancelled,
    agent: [],
    how: 'cancelled',
  },
];

async function setUp(stage: Stage): Promise<Scene> {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  if (stage === 'dispatching') {
    host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
    await settle();
  } else {
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    agent.emit('s', { kind: 'token', delta: 'a' });
    if (stage === 'parked') agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 't' });
    if (stage === 'cancelling') await host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 30_000 });
    await settle();
  }
  const { sessions } = await (await linked.manager()).ok('agents.chat.sessions');
  expect(sessions).toMatchObject([{ status: stage }]);
  return { linked, host, agent, chat: agent.lastChat() };
}

/** A frame that a host received, in short. */
function inShort(frame: Message): string {
  if (frame.error) return `error ${frame.error.code}`;
  if (frame.result) return frame.result.cancelled ? 'cancelled' : 'result';
  const { kind, finish_reason, code, reason, synthesized } = frame.params;
  return [kind, finish_reason ?? code ?? reason, synthesized && 'synthesized'].filter((word) => word).join(' ');
}

const at = <T>(value: T | ((stage: Stage) => T), stage: Stage): T =>
  typeof value === 'function' ? (value as (stage: Stage) => T)(stage) : value;

for (const ending of endings) {
  for (const stage of ending.in) {
    test(`a turn › when ${ending.when} while it is ${stage} › then each side hears exactly what it should, and nothing after`, async () => {
      const scene = await setUp(stage);
      const { linked, host, agent, chat } = scene;
      const hostFrames = host.frames.length;
      const cancels = agent.received('agent.chat.cancel').length;
      const seq = host.events().length;
      await ending.run(scene);
      await settle();
      agent.answer(chat, { accepted: true });
      agent.emit('s', { kind: 'token', delta: 'late' });
      agent.emit('s', { kind: 'done', finish_reason: 'late', turn_id: chat.params.turn_id });
      await linked.advance(60_000);
      expect(host.frames.slice(hostFrames).map(inShort)).toEqual(at(ending.host, stage));
      const told = agent.received('agent.chat.cancel').slice(cancels);
      expect(told.map((frame) => frame.params.reason)).toEqual(at(ending.agent, stage));
      for (const { params } of told) {
        expect(params).toMatchObject({ session_id: 's', turn_id: chat.params.turn_id });
      }
      const mine = host.events().filter((event) => event.turn_id === chat.params.turn_id);
      expect(mine.map((event) => event.seq)).toEqual(mine.map((_, n) => n + 1));
      // The host that left heard nothing more, a chat that was refused has no events: otherwise one terminal.
      const terminals = mine.filter((event) => ['done', 'error', 'auth_required'].includes(event.kind));
      const isOwed = !host.frames.some((frame) => frame.error) && at(ending.how, stage) !== 'abandoned';
      expect(terminals).toHaveLength(isOwed ? 1 : 0);
      if (isOwed) expect(mine.indexOf(terminals[0])).toBeGreaterThanOrEqual(seq);
      const ended = await readMetric(linked.broker, 'turns_ended_total');
      expect(ended[at(ending.how, stage)]).toBeGreaterThanOrEqual(1);
      expect(await readMetric(linked.broker, 'turns')).toEqual({});
    });
  }
}
