import { beforeAll, describe, expect, test } from 'vitest';
import { AudioFrameType } from '../../../protocol/audio-frame.ts';
import { notifications, type RequestMethod, requests } from '../../../protocol/methods.ts';
import { type LinkedClient, type Message, openChat, settle } from '../../support/linked.ts';
import { components, create, loadSurfaceSchemas, text } from '../../support/surfaces.ts';
import { frameOf, hexId, speak, startMeeting, transcribe } from '../../support/voice.ts';
import { attempts, type Names, notices } from './attempts.ts';
import { start } from './people.ts';

/*
 * Two worlds: in one of them somebody has a thing of every kind, in the other one never came. A stranger does the same in both,
 * and must be told the same: by no answer, event, number or count it can learn in which of them it is. And of what was there,
 * everything is as it was.
 */

/** In all that its owner and its agent say. A stranger never says it. */
const SECRET = 'xyzzy';

beforeAll(loadSurfaceSchemas);

type World = ReturnType<typeof start> & { bot?: LinkedClient; helper?: LinkedClient };

/** Who is there in either world. Of the tenant: an agent that also transcribes and speaks, and one that said nothing of itself. */
async function stage(tenant: string, isTenantThere: boolean) {
  const people = start({ inspect: true, record: true, approvals: { methods: ['tools.execute:guarded'] } });
  await people.join('@beta', 'bot');
  if (!isTenantThere) return people;
  const bot = await people.join(`@${tenant}`, 'bot');
  const helper = await people.join(`@${tenant}`, 'helper');
  const capabilities = ['voice.transcribe', 'voice.speak'];
  await bot.ok('host.register_agent', { id: 'bot', name: 'bot', kind: 'k', capabilities });
  return { ...people, bot, helper };
}

/** Everything that somebody can have, made for real. */
async function live({ join, host, bot, helper }: World, tenant: string, isAgentSecret: boolean) {
  if (!bot || !helper) throw new Error('nobody is there to answer');
  const alice = tenant === 'default' ? await host() : await join(`alice@${tenant}`);
  if (isAgentSecret) await join(`@${tenant}`, 'extra');
  await openChat(alice, helper, { agent_id: 'helper', session_id: 'helped' });
  await alice.ok('server.handshake', { protocol_version: 3 });
  await alice.ok('host.subscribe');
  await alice.ok('tools.register', [{ name: 'guarded' }, { name: SECRET }]);
  const chat = { agent_id: 'bot', prompt: SECRET, resume_window_ms: 60_000 };
  await openChat(alice, bot, { ...chat, session_id: 'ended' });
  const ended = bot.lastChat().params;
  bot.emit(ended.session_id, { kind: 'token', delta: SECRET });
  bot.emit(ended.session_id, { kind: 'done', finish_reason: 'stop' });
  const opened = await openChat(alice, bot, { ...chat, session_id: 'live' });
  const { session_id, turn_id } = bot.lastChat().params;
  alice.post('agents.chat', { ...chat, session_id: 'live', on_busy: 'queue' });
  bot.emit(session_id, { kind: 'token', delta: SECRET });
  bot.post('tools.execute', { session_id, tool: SECRET, parameters: { a: SECRET } });
  bot.post('tools.execute', { session_id, tool: 'guarded', parameters: { a: SECRET } });
  bot.emit(session_id, { kind: 'approval_pending', approval_id: 'ask', tool: SECRET, params: { a: SECRET } });
  await alice.ok('goal.set', { session_id: 'live', check: SECRET });
  await alice.ok('host.request_approval', { action: SECRET, details: { a: SECRET } });
  const { id: resolved } = await bot.ok('host.request_approval', { action: SECRET });
  const boss = await join(`boss@${tenant}+host`);
  await boss.ok('host.resolve_approval', { approval_id: resolved, resolution: 'approve' });
  await boss.ok('keys.add', { name: 'row', sub: 'alice' });
  await alice.ok('host.notify', { message: SECRET });
  await alice.ok('host.register_agent', { id: 'row', name: SECRET, kind: 'k' });
  for (const client of [alice, bot]) await client.ok('memory.add_fact', { subject: SECRET, body: `a plan ${SECRET}` });
  const said = (stream_id: string) => bot.notify('voice.event', { stream_id, type: 'final', text: SECRET });
  const past = await startMeeting(alice, bot, { id: 'past', title: SECRET });
  said(past);
  alice.post('meeting.stop', { meeting_id: 'past' });
  await settle();
  bot.notify('voice.event', { stream_id: past, type: 'ended' });
  await settle();
  const meeting = await startMeeting(alice, bot, { id: 'now', title: SECRET });
  const stream = await transcribe(alice, bot, hexId(7));
  const speech = await speak(alice, bot, { stream_id: 'speech', text: SECRET });
  for (const one of [meeting, stream]) said(one);
  await alice.ok('a2ui/subscribe');
  await alice.ok('a2ui.apply', create('form'));
  await alice.ok('a2ui.apply', components('form', text('root', SECRET)));
  const { surfaceId } = await bot.ok('a2ui.apply', { ...create('shown'), session_id });
  await settle();
  const approvals: Message[] = (await alice.ok('host.approvals')).approvals;
  const { facts } = await alice.ok('memory.query', { query: 'plan' });
  const { facts: agents } = await bot.ok('memory.query', { query: 'plan' });
  const mark = session_id.slice('live'.length);
  const withMark = (separator: string, ...ids: string[]) =>
    mark === '' ? ids : ids.flatMap((id) => [id, `${id}${separator}${mark.slice(1)}`]);
  const names: Names = {
    sessions: ['live', session_id, 'ended', ended.session_id],
    turns: [turn_id, ended.turn_id],
    resumeToken: opened.resume_token,
    approvals: [...new Set([...approvals.map(({ id }) => id), resolved])],
    chatApproval: 'ask',
    facts: [...facts, ...agents].map(({ id }: Message) => id),
    meetings: withMark('.', 'now', 'past'),
    streams: withMark(':', hexId(7)),
    speeches: withMark(':', 'speech'),
    surfaces: [...withMark(':', 'form'), 'shown', surfaceId],
    callback: alice.received('tools.execute').at(-1).id,
    jobs: [meeting, stream, speech],
    agents: ['bot', 'extra'],
    row: 'row',
  };
  // All of it is there: what is not cannot be got at.
  expect(names.approvals).toHaveLength(4);
  expect(names.facts).toHaveLength(2);
  for (const one of [...Object.values(names).flat(), ...Object.values(names)]) expect(one).toBeTruthy();
  return { alice, names };
}

/** What there is, as its owner sees it. */
async function inventory(alice: LinkedClient) {
  const seen: Message[] = [];
  for (const [method, params] of [
    ['agents.chat.sessions', {}],
    ['agents.chat.subscribe', { session_id: 'ended', role: 'observer' }],
    ['goal.status', {}],
    ['host.approvals', {}],
    ['host.agents', {}],
    ['memory.query', { query: 'plan' }],
    ['meeting.list', {}],
    ['meeting.get', { meeting_id: 'now' }],
    ['meeting.get', { meeting_id: 'past' }],
    ['voice.sessions.list', {}],
    ['voice.tts_stream.list', {}],
    ['a2ui.surfaces', {}],
  ] as const)
    seen.push(await alice.ok(method, params));
  return seen;
}

/** Sends everything with those names; gives what the stranger was told, without what chance and the time of day decide. */
async function attempt(world: World, stranger: LinkedClient, names: Names, isTold: (method: string) => boolean) {
  const { bot } = world;
  const before = bot?.frames.length;
  const told: string[] = [];
  const tell = (what: string, value: unknown) => told.push(`${what} ${plain(value)}`);
  // Twice: the second time the listings have what the first has made.
  for (const round of [1, 2]) {
    for (const method of Object.keys(attempts) as RequestMethod[]) {
      if (isTold(method)) continue;
      for (const params of attempts[method](names)) {
        const id = stranger.post(method, params);
        await settle();
        // Whatever the stranger has its agent begin.
        for (const frame of bot?.frames.slice(before) ?? [])
          if (frame.id !== undefined && frame.method !== undefined && !frame.isAnswered) {
            frame.isAnswered = true;
            bot?.answer(frame, { accepted: true });
          }
        await settle();
        const { id: _, ...answer } = stranger.replyTo(id) ?? {};
        tell(`${round} ${method} ${plain(params)}`, answer);
      }
    }
    for (const [method, cases] of Object.entries(notices))
      for (const params of cases(names)) stranger.notify(method, params);
    for (const digits of [hexId(7), ...names.jobs])
      for (const type of Object.keys(AudioFrameType) as (keyof typeof AudioFrameType)[])
        stranger.sendBinary(frameOf(type, digits, new Uint8Array(2)));
    await settle();
  }
  for (const { id, method, params } of stranger.frames) if (method !== undefined) tell(method, { id, params });
  tell('audio', stranger.binaries.length);
  tell('closed', stranger.closed ?? null);
  return told;
}

/** A stream’s age is by the broker’s clock, which stands still, and told as a time of day, which does not. */
const undated = (rows: unknown) =>
  JSON.parse(JSON.stringify(rows, (key, value) => (key === 'created_at' ? null : value)));

function plain(value: unknown): string {
  return (
    JSON.stringify(value)
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
      .replace(/event-[A-Za-z0-9_-]{16}/g, '<event>')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
      .replace(/"(sbk_)?[A-Za-z0-9_-]{43}"/g, '"<token>"')
      .replace(/"([0-9a-f]{32})"/g, '"<hex>"')
      // Of all requests of the broker's, for all: unique in its life (`wire.md` section 7).
      .replace(/"(sb|cb)-\d+"/g, '"<call>"')
      .replace(/\b\d{10,}\b/g, '<moment>')
  );
}

/** What tells of everybody is for the management of the default tenant. */
const KEYS = ['keys.list', 'keys.add', 'keys.rotate', 'keys.remove'];
const TELLS_ALL = [
  'broker.status',
  'inspect.subscribe',
  'inspect.unsubscribe',
  'inspect.turns',
  'inspect.turn',
  ...KEYS,
];

type Stranger = [string, (world: World) => Promise<LinkedClient>, ('ofTenant' | 'toldAll')?];

const OF_BETA: Stranger[] = [
  ['a principal of another tenant, of the same name', ({ join }) => join('alice@beta')],
  ['an agent of another tenant', ({ join }) => join('@beta', 'spy')],
  ['an agent of another tenant, of the same id', ({ join }) => join('@beta', 'bot')],
  ['who observes another tenant', ({ join }) => join('eve@beta+observe,chat')],
  ['the management of another tenant', ({ join }) => join('boss@beta+host')],
];

const STRANGERS: Record<string, Stranger[]> = {
  acme: [
    ...OF_BETA,
    ['another principal of the tenant', ({ join }) => join('bob@acme'), 'ofTenant'],
    ['another agent of the tenant', ({ join }) => join('@acme', 'spy'), 'ofTenant'],
    ['a principal of the default tenant', ({ join }) => join('alice')],
    ['the daemon token', ({ host }) => host()],
    ['the management of the default tenant', ({ manager }) => manager(), 'toldAll'],
  ],
  // Whoever has the daemon’s token: its ids have no mark behind.
  default: [...OF_BETA, ['another principal of the tenant', ({ join }) => join('bob'), 'ofTenant']],
};

describe.each(Object.entries(STRANGERS))('to what is somebody’s of the tenant %s', (tenant, strangers) => {
  test.each(strangers)(
    '%s is told the same whether it is there or not, and changes nothing',
    async (_, enter, kind) => {
      const isTold = (method: string) => kind === 'toldAll' && TELLS_ALL.includes(method);
      const full = await stage(tenant, true);
      const stranger = await enter(full);
      const { alice, names } = await live(full, tenant, kind !== 'ofTenant');
      expect(stranger.frames.filter(({ method }) => method !== undefined)).toEqual([]);
      const before = await inventory(alice);
      const heard = alice.frames.length;
      const told = await attempt(full, stranger, names, isTold);
      expect(JSON.stringify(stranger.frames)).not.toContain(SECRET);
      // An agent of the tenant is everybody’s there: of that alone she hears.
      const since = alice.frames.slice(heard).filter(({ params }) => !String(params?.kind).startsWith('agent.'));
      expect(since).toEqual([]);
      const after = await inventory(alice);
      const own = (rows: Message) => (Array.isArray(rows) ? rows.filter(({ id }: Message) => id !== 'spy') : rows);
      expect(undated(after.map(own))).toEqual(undated(before.map(own)));

      const empty = await stage(tenant, kind === 'ofTenant');
      const toldThere = await attempt(empty, await enter(empty), names, isTold);
      expect(told.filter((line, at) => line !== toldThere[at])).toEqual(
        toldThere.filter((line, at) => line !== told[at]),
      );
    },
  );
});

test('every request and notification of the protocol is tried', () => {
  expect(Object.keys(attempts).sort()).toEqual([...requests.keys()].sort());
  expect(Object.keys(notices).sort()).toEqual([...notifications.keys()].sort());
});
