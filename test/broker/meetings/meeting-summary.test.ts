import { beforeEach, describe, expect, test } from 'vitest';
import type { BrokerOptions, MeetingHead, MeetingLine } from '../../../broker.ts';
import { type Linked, type LinkedClient, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { provider, startMeeting } from '../../support/voice.ts';

/* A meeting's summary (`wire.md` section 11), by an agent like any. */

let linked: Linked;
let host: LinkedClient;
let ear: LinkedClient;
/** What was written, in order. */
let kept: MeetingLine[];
async function open(limits: NonNullable<BrokerOptions['limits']> = {}, heads: MeetingHead[] = []): Promise<void> {
  kept = [];
  const append = (_id: string, line: MeetingLine) => void kept.push(line);
  const meetingStore = { load: () => heads, create() {}, append, read: async () => [...kept], remove() {} };
  linked = startLinked({ limits, meetingStore });
  host = await linked.host();
  ear = await provider(linked, 'ear', 'voice.transcribe');
}
const says = (stream_id: string, event: object) => ear.notify('voice.event', { stream_id, ...event });
/** The provider answers to the stop, and is done. */
async function finish(stream: string): Promise<void> {
  await settle();
  says(stream, { type: 'ended' });
  await settle();
}

describe('a meeting › when it is to be summarized', () => {
  let sage: LinkedClient;
  let stream: string;
  beforeEach(() => begin());
  async function begin(limits: NonNullable<BrokerOptions['limits']> = {}): Promise<void> {
    await open(limits);
    sage = await linked.agent('sage');
    stream = await startMeeting(host, ear, { id: 'm', title: 'Plans' });
    says(stream, { type: 'final', text: 'let us go', speaker: 'Ann' });
    says(stream, { type: 'final', text: 'yes' });
  }
  /** Stops it, and has the provider finish. */
  async function stop(params: object = {}): Promise<number> {
    const id = host.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage', ...params });
    await finish(stream);
    await settle();
    return id;
  }

  test('then the agent is asked in a chat, and what it says is the summary', async () => {
    const id = await stop();
    const { params } = sage.lastChat();
    expect(params.prompt).toBe('Summarize this meeting, Plans.\n\nAnn: let us go\nyes');
    expect((await host.ok('meeting.get', { meeting_id: 'm' })).status).toBe('summarizing');
    sage.answer(sage.lastChat(), { accepted: true });
    sage.emit(params.session_id, { kind: 'token', delta: 'They ' });
    sage.emit(params.session_id, { kind: 'token', delta: 'go.' });
    sage.emit(params.session_id, { kind: 'done', finish_reason: 'stop' });
    await settle();
    await settle();
    const answer = { id: 'm', transcript: 'let us go yes', summary: 'They go.' };
    expect(host.replyTo(id).result).toEqual(answer);
    expect(await host.ok('meeting.get', { meeting_id: 'm' })).toMatchObject({ status: 'ended', summary: 'They go.' });
    expect(await host.ok('meeting.stop', { meeting_id: 'm', summarizer: 'sage' })).toEqual(answer);
    expect(sage.received('agent.chat')).toHaveLength(1);
    expect(await readMetric(linked.broker, 'connections')).toEqual({ client: 1, agent: 2 });
  });

  test('and it is not wanted, or was over before › then nobody is asked, and one can be later', async () => {
    const id = await stop({ summarize: false });
    expect(host.replyTo(id).result.summary).toBeNull();
    expect(sage.received('agent.chat')).toEqual([]);
    const later = host.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage' });
    await settle();
    const { session_id } = sage.lastChat().params;
    sage.answer(sage.lastChat(), { accepted: true });
    sage.emit(session_id, { kind: 'done', finish_reason: 'stop', text: 'Later.' });
    await settle();
    await settle();
    expect(host.replyTo(later).result.summary).toBe('Later.');
    expect(await host.ok('meeting.get', { meeting_id: 'm' })).toMatchObject({ summary: 'Later.' });
  });

  test.each<[string, () => unknown]>([
    ['is not attached', () => {}],
    ['refuses', () => sage.answer(sage.lastChat(), { accepted: false })],
    [
      'fails',
      () => {
        sage.answer(sage.lastChat(), { accepted: true });
        sage.emit(sage.lastChat().params.session_id, { kind: 'error', error: 'no idea' });
      },
    ],
    ['disconnects', () => sage.close()],
    [
      'wants a login',
      () => sage.emit(sage.lastChat().params.session_id, { kind: 'auth_required', reason: 'a', message: 'b' }),
    ],
    [
      'is silent for two minutes',
      async () => {
        sage.answer(sage.lastChat(), { accepted: true });
        await linked.advance(120_100);
      },
    ],
  ])('and the agent %s › then there is no summary, and the meeting stops all the same', async (name, act) => {
    const id = await stop(name === 'is not attached' ? { summarizer: 'nobody' } : {});
    await act();
    await linked.advance(6_000);
    await settle();
    expect(host.replyTo(id).result).toEqual({ id: 'm', transcript: 'let us go yes', summary: null });
    expect(await readMetric(linked.broker, 'turns')).toEqual({});
  });

  test('and the agent says too much › then it is cut off, and its turn ends', async () => {
    const id = await stop();
    const { session_id } = sage.lastChat().params;
    sage.answer(sage.lastChat(), { accepted: true });
    sage.emit(session_id, { kind: 'token', delta: 'ä'.repeat(40_000) });
    await settle();
    await settle();
    expect(Buffer.byteLength(host.replyTo(id).result.summary)).toBeLessThanOrEqual(64 * 1024);
    expect(sage.received('agent.chat.cancel')).toHaveLength(1);
  });

  test('and the agent says nothing › then there is no summary, and one can be had later', async () => {
    const id = await stop();
    const say = async (text: string) => {
      sage.answer(sage.lastChat(), { accepted: true });
      sage.emit(sage.lastChat().params.session_id, { kind: 'done', finish_reason: 'stop', text });
      await settle();
      await settle();
    };
    await say(' ');
    expect(host.replyTo(id).result.summary).toBeNull();
    const later = host.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage' });
    await settle();
    await say('They go.');
    expect(host.replyTo(later).result.summary).toBe('They go.');
  });

  test('and it was over before, and its agent takes its time › then that is waited for, and no longer', async () => {
    await stop({ summarize: false });
    const ask = async () => {
      const id = host.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage' });
      await settle();
      sage.answer(sage.lastChat(), { accepted: true });
      await linked.advance(100_000);
      expect(host.replyTo(id)).toBeUndefined();
      return id;
    };
    const late = await ask();
    await linked.advance(30_020);
    expect(host.replyTo(late)).toBeDefined();
    const inTime = await ask();
    sage.emit(sage.lastChat().params.session_id, { kind: 'done', finish_reason: 'stop', text: 'They go.' });
    await settle();
    await settle();
    expect(host.replyTo(inTime).result.summary).toBe('They go.');
  });

  test('and it was over before, and many ask at once › then the agent is asked once, and what it says is kept once', async () => {
    await stop({ summarize: false });
    const other = await linked.host();
    const ask = (client: LinkedClient) => client.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage' });
    const mine = Array.from({ length: 8 }, () => ask(host));
    const others = ask(other);
    await settle();
    await settle();
    expect(sage.received('agent.chat')).toHaveLength(1);
    sage.answer(sage.lastChat(), { accepted: true });
    sage.emit(sage.lastChat().params.session_id, { kind: 'done', finish_reason: 'stop', text: 'They go.' });
    await settle();
    await settle();
    for (const id of mine) expect(host.replyTo(id).result.summary).toBe('They go.');
    expect(other.replyTo(others).result.summary).toBe('They go.');
    expect(kept.filter(({ type }) => type === 'summary')).toEqual([{ type: 'summary', text: 'They go.' }]);
    expect(kept.at(-1)).toEqual({ type: 'ended', ended_at: expect.any(Number) });
    const again = await host.ok('meeting.stop', { meeting_id: 'm', summarizer: 'sage' });
    expect(again.summary).toBe('They go.');
    expect(sage.received('agent.chat')).toHaveLength(1);
  });

  test('and more was said than an agent is told › then it gets the beginning and the end', async () => {
    await begin({ maxSummarizedBytes: 40 });
    says(stream, { type: 'final', text: `ä${'x'.repeat(100)}ö` });
    await stop();
    // Half a letter goes.
    const said = `Ann: let us go\nyes\n\n[…]\n${'x'.repeat(18)}ö`;
    expect(sage.lastChat().params.prompt).toBe(`Summarize this meeting, Plans.\n\n${said}`);
  });

  test('and some who stop it want none › then they get none, and do not wait for the others’', async () => {
    const wanting = [{}, { summarizer: 'other' }].map((more) =>
      host.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage', ...more }),
    );
    const none = [{ summarize: false }, {}, { summarize: false, summarizer: 'sage' }];
    const post = () => none.map((more) => host.post('meeting.stop', { meeting_id: 'm', ...more }));
    const answer = { id: 'm', transcript: 'let us go yes', summary: null };
    const early = post();
    await finish(stream);
    const late = post();
    await settle();
    for (const id of [...early, ...late]) expect(host.replyTo(id)?.result).toEqual(answer);
    for (const id of wanting) expect(host.replyTo(id)).toBeUndefined();
    sage.answer(sage.lastChat(), { accepted: true });
    sage.emit(sage.lastChat().params.session_id, { kind: 'done', finish_reason: 'stop', text: 'They go.' });
    await settle();
    await settle();
    for (const id of wanting) expect(host.replyTo(id).result).toEqual({ ...answer, summary: 'They go.' });
    const afterwards = post();
    await settle();
    for (const id of afterwards) expect(host.replyTo(id).result).toEqual(answer);
  });

  test('and its client is gone meanwhile › then the agent need not go on', async () => {
    await stop();
    sage.answer(sage.lastChat(), { accepted: true });
    await settle();
    host.close();
    await settle();
    expect(sage.received('agent.chat.cancel')).toHaveLength(1);
    expect(await readMetric(linked.broker, 'meetings')).toEqual({});
  });
});

test('a meeting › when it was interrupted, and is summarized later › then it stays interrupted', async () => {
  const head = { id: 'm', title: null, status: 'interrupted' as const, started_at: 1, ended_at: 2, agent_id: null };
  await open({}, [{ ...head, bytes: 9 }]);
  kept.push({ type: 'final', text: 'one' });
  const sage = await linked.agent('sage');
  const id = host.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage' });
  await settle();
  await settle();
  sage.answer(sage.lastChat(), { accepted: true });
  sage.emit(sage.lastChat().params.session_id, { kind: 'done', finish_reason: 'stop', text: 'One.' });
  await settle();
  await settle();
  expect(host.replyTo(id).result).toEqual({ id: 'm', transcript: 'one', summary: 'One.' });
  expect(kept.slice(1)).toEqual([
    { type: 'summary', text: 'One.' },
    { type: 'ended', ended_at: 2, status: 'interrupted' },
  ]);
  expect((await host.ok('meeting.list')).meetings).toMatchObject([{ status: 'interrupted', ended_at: 2 }]);
});

test('a meeting › when its record cannot be read for a summary › then what its stream has heard is summarized', async () => {
  const broken = { load: () => [], create() {}, append() {}, read: async () => 7 as never, remove() {} };
  linked = startLinked({ meetingStore: broken });
  host = await linked.host();
  ear = await provider(linked, 'ear', 'voice.transcribe');
  const sage = await linked.agent('sage');
  const stream = await startMeeting(host, ear, { id: 'm' });
  says(stream, { type: 'final', text: 'let us go' });
  const id = host.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage' });
  await finish(stream);
  expect(sage.lastChat().params.prompt).toBe('Summarize this meeting, m.\n\nlet us go');
  sage.answer(sage.lastChat(), { accepted: false });
  await settle();
  await settle();
  expect(host.replyTo(id).result).toEqual({ id: 'm', transcript: 'let us go', summary: null });
});

test('a meeting › when its summary waits at a gate › then nobody is shown what was said, nor is anybody’s own prompt hidden', async () => {
  linked = startLinked({ approvals: { methods: ['agents.chat'] } });
  host = await linked.host();
  ear = await provider(linked, 'ear', 'voice.transcribe');
  const sage = await linked.agent('sage');
  const stream = await startMeeting(ear, ear, { id: 'm' });
  says(stream, { type: 'final', text: 'the secret plan' });
  const id = ear.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage' });
  await finish(stream);
  const rows = async () => (await host.ok('host.approvals')).approvals;
  const [row] = await rows();
  expect(JSON.stringify(row)).not.toContain('secret plan');
  const shown = JSON.parse(row.details.params_preview);
  expect(shown).toMatchObject({ agent_id: 'sage', prompt: '[what was said in a meeting]' });
  host.post('agents.chat', { agent_id: 'sage', prompt: 'wipe the disk', session_id: shown.session_id });
  await settle();
  expect((await rows())[1].details.params_preview).toContain('wipe the disk');
  await host.ok('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
  await settle();
  expect(sage.lastChat().params.prompt).toContain('the secret plan');
  sage.answer(sage.lastChat(), { accepted: true });
  // The chat is the agent's whose meeting it is: another agent reads another name for it.
  sage.emit(sage.lastChat().params.session_id, { kind: 'done', finish_reason: 'stop', text: 'A plan.' });
  await settle();
  await settle();
  expect(ear.replyTo(id).result.summary).toBe('A plan.');
  expect(JSON.stringify(await rows())).not.toContain('secret plan');
});
