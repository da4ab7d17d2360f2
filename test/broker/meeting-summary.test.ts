import { beforeEach, describe, expect, test } from 'vitest';
import { type Linked, type LinkedClient, settle, startLinked } from '../support/linked.ts';
import { readMetric } from '../support/metrics.ts';
import { provider, startMeeting } from '../support/voice.ts';

/* A meeting's summary (`wire.md` section 11), by an agent like any. */

let linked: Linked;
let host: LinkedClient;
let ear: LinkedClient;
beforeEach(async () => {
  linked = startLinked();
  host = await linked.host();
  ear = await provider(linked, 'ear', 'voice.transcribe');
});
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
  beforeEach(async () => {
    sage = await linked.agent('sage');
    stream = await startMeeting(host, ear, { id: 'm', title: 'Plans' });
    says(stream, { type: 'final', text: 'let us go', speaker: 'Ann' });
    says(stream, { type: 'final', text: 'yes' });
  });
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
