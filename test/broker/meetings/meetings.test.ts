import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { BrokerOptions, Memory } from '../../../broker.ts';
import { type Linked, type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { base64, frameOf, hexId, pcm, provider, SOURCE, startMeeting, voiceEvents } from '../../support/voice.ts';

/* Meetings (`wire.md` section 11), with a provider and a summarizer that are agents like any. */

let linked: Linked;
let host: LinkedClient;
let ear: LinkedClient;
beforeEach(() => begin());
async function begin(options: BrokerOptions = {}): Promise<void> {
  linked = startLinked(options);
  host = await linked.host();
  ear = await provider(linked, 'ear', 'voice.transcribe');
}

const start = (client: LinkedClient, params: Message) => startMeeting(client, ear, params);
const says = (stream_id: string, event: object) => ear.notify('voice.event', { stream_id, ...event });
/** The provider answers to the stop, and is done. */
async function finish(stream: string): Promise<void> {
  await settle();
  says(stream, { type: 'ended' });
  await settle();
}

describe('a meeting › when it is held', () => {
  test('then it is a transcription under its id, and its client hears every event', async () => {
    const id = host.post('meeting.start', { id: hexId(1), title: 'Plans', audio_source: SOURCE });
    await settle();
    expect(host.replyTo(id)).toBeUndefined();
    const [request] = ear.received('voice.transcribe.start');
    ear.answer(request, {});
    await settle();
    expect(host.replyTo(id).result).toEqual({ id: hexId(1), started_at: expect.any(Number), provider: 'ear' });
    host.sendBinary(frameOf('AudioIn', hexId(1), pcm(1)));
    await host.ok('voice.transcribe_stream.push', { session_id: hexId(1), pcm_b64: base64(pcm(2)) });
    expect(ear.binaries.map((frame) => frame?.payload)).toEqual([pcm(1), pcm(2)]);
    const final = { type: 'final', text: 'hello', speaker: 'Ann', start_ms: 1, end_ms: 2, more: { x: 1 } };
    says(request.params.stream_id, { type: 'partial', text: 'hel' });
    says(request.params.stream_id, final);
    await settle();
    expect(voiceEvents(host)).toEqual([
      { session_id: hexId(1), type: 'partial', text: 'hel' },
      { session_id: hexId(1), ...final },
    ]);
    expect(await host.ok('memory.query', { query: 'hello' })).toMatchObject({
      facts: [
        { subject: `Plans (${hexId(1)})`, body: 'hello', kind: 'meeting', speaker: 'Ann', start_ms: 1, end_ms: 2 },
      ],
    });
    expect(await host.ok('meeting.get', { meeting_id: hexId(1) })).toMatchObject({
      title: 'Plans',
      status: 'running',
      ended_at: null,
      agent_id: null,
      transcript: 'hello',
      segments: [{ text: 'hello', speaker: 'Ann', start_ms: 1, end_ms: 2 }],
      summary: null,
    });
    expect(await readMetric(linked.broker, 'meetings')).toEqual({ running: 1 });
  });

  test('and no id is given › then it is one that binary frames can name', async () => {
    await start(host, {});
    const { meetings } = await host.ok('meeting.list');
    expect(meetings).toMatchObject([{ id: expect.stringMatching(/^[0-9a-f]{32}$/), title: null }]);
  });

  test('and its provider does not accept › then the client is told, and there was no meeting', async () => {
    const id = host.post('meeting.start', { id: 'm', audio_source: SOURCE });
    await settle();
    ear.answer(ear.received('voice.transcribe.start')[0], { accepted: false });
    await settle();
    expect(host.replyTo(id).error.code).toBe(-32012);
    expect(await host.ok('meeting.list')).toEqual({ meetings: [] });
    await start(host, { id: 'm' });
  });

  test('and its provider has not accepted › then it is starting, and ends without a trace', async () => {
    const starting = async (id: string) => {
      host.post('meeting.start', { id, audio_source: SOURCE });
      await settle();
      const manager = await linked.manager();
      expect((await manager.ok('meeting.list')).meetings).toMatchObject([{ id, status: 'starting' }]);
      expect(await readMetric(linked.broker, 'meetings')).toEqual({ starting: 1 });
      return manager;
    };
    const manager = await starting('m');
    host.close();
    await settle();
    expect((await manager.ok('meeting.list')).meetings).toEqual([]);
    host = await linked.host();
    await starting('m');
    const stop = host.post('meeting.stop', { meeting_id: 'm' });
    await settle();
    expect((await host.ok('meeting.list')).meetings).toMatchObject([{ status: 'starting' }]);
    ear.answer(ear.received('voice.transcribe.start').at(-1), {});
    await settle();
    expect((await host.ok('meeting.list')).meetings).toMatchObject([{ status: 'finishing' }]);
    says(ear.received('voice.transcribe.start').at(-1).params.stream_id, { type: 'ended' });
    await settle();
    expect(host.replyTo(stop).result).toEqual({ id: 'm', transcript: '', summary: null });
  });

  test('and a final has no text › then it is kept like any, and is no fact', async () => {
    const stream = await start(host, { id: 'm' });
    for (const text of ['one', '', 'two']) says(stream, { type: 'final', text, speaker: 'Ann' });
    await settle();
    const stop = host.post('voice.transcribe_stream.stop', { session_id: 'm' });
    await finish(stream);
    const { transcript, segments } = await host.ok('meeting.get', { meeting_id: 'm' });
    expect(segments.map(({ text }: Message) => text)).toEqual(['one', '', 'two']);
    expect(host.replyTo(stop).result).toMatchObject({ transcript, segments });
    expect(await host.ok('memory.fact_count')).toBe(2);
  });

  test('and too many are › then -32020 says so', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await start(host, { id });
    expect((await host.call('meeting.start', { audio_source: SOURCE })).error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'max_meetings', value: 4 } },
    });
  });

  test.each(['', '.', '..', '../x', 'a/b', 'a\\b', 'a:b', '.hidden', 'x'.repeat(129), 'a\0'])(
    'and its id is %o › then -32602 names it: ids are file names',
    async (id) => {
      const { error } = await host.call('meeting.start', { id, audio_source: SOURCE });
      expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: 'id' }] } });
    },
  );

  test('and there is no provider › then -32011 says so, and nothing is left behind', async () => {
    ear.close();
    await settle();
    expect((await host.call('meeting.start', { audio_source: SOURCE })).error.code).toBe(-32011);
    expect(await host.ok('meeting.list')).toEqual({ meetings: [] });
  });

  test('and its transcription’s id is in use › then it is busy, and nothing is left behind', async () => {
    host.post('voice.transcribe_stream.start', { session_id: 'm', audio_source: SOURCE });
    await settle();
    expect((await host.call('meeting.start', { id: 'm', audio_source: SOURCE })).error.code).toBe(-32010);
    expect(await host.ok('meeting.list')).toEqual({ meetings: [] });
  });

  test('and more is said than is kept › then its beginning stays, and everybody hears of it', async () => {
    await begin({ limits: { maxMeetingBytes: 60 } });
    const stream = await start(host, { id: 'm' });
    for (const text of ['one two three', 'four five six', 'seven eight nine nine', 'ten'])
      says(stream, { type: 'final', text });
    await settle();
    expect(voiceEvents(host)).toHaveLength(4);
    const got = await host.ok('meeting.get', { meeting_id: 'm' });
    expect(got).toMatchObject({ transcript: 'one two three four five six', truncated: true });
  });
});

describe('a meeting › when it is stopped', () => {
  test('then its client gets the transcript once the provider has finished, and it stays', async () => {
    const stream = await start(host, { id: 'm' });
    says(stream, { type: 'final', text: 'one' });
    const id = host.post('meeting.stop', { meeting_id: 'm' });
    await settle();
    expect(ear.received('voice.transcribe.stop')).toHaveLength(1);
    says(stream, { type: 'final', text: 'two' });
    await settle();
    expect(host.replyTo(id)).toBeUndefined();
    await finish(stream);
    expect(host.replyTo(id).result).toEqual({ id: 'm', transcript: 'one two', summary: null });
    expect(await host.ok('meeting.stop', { meeting_id: 'm' })).toEqual(host.replyTo(id).result);
    expect((await host.ok('meeting.list')).meetings).toMatchObject([{ id: 'm', status: 'ended' }]);
    expect((await host.call('meeting.start', { id: 'm', audio_source: SOURCE })).error.code).toBe(-32602);
  });

  test('and the provider does not finish › then there is what there is', async () => {
    const stream = await start(host, { id: 'm' });
    says(stream, { type: 'final', text: 'one' });
    const id = host.post('meeting.stop', { meeting_id: 'm' });
    await linked.advance(10_100);
    expect(host.replyTo(id).result).toEqual({ id: 'm', transcript: 'one', summary: null });
    expect(voiceEvents(host).at(-1)).toMatchObject({ type: 'ended' });
  });

  test('by many at once › then sixteen may wait for its end, and one more gets -32020', async () => {
    const stream = await start(host, { id: 'm' });
    says(stream, { type: 'final', text: 'one' });
    const ids = Array.from({ length: 16 }, () => host.post('meeting.stop', { meeting_id: 'm' }));
    expect((await host.call('meeting.stop', { meeting_id: 'm' })).error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'max_meeting_stops', value: 16 } },
    });
    await finish(stream);
    await settle();
    for (const id of ids) expect(host.replyTo(id).result).toEqual({ id: 'm', transcript: 'one', summary: null });
  });

  test.each(['finishing', 'summarizing'])(
    'and the broker stops while it is %s › then -32021 says so',
    async (state) => {
      const sage = await linked.agent('sage');
      const stream = await start(host, { id: 'm' });
      says(stream, { type: 'final', text: 'one' });
      const id = host.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage' });
      if (state === 'summarizing') await finish(stream);
      await settle();
      expect(await readMetric(linked.broker, 'meetings')).toEqual({ [state]: 1 });
      expect(sage.received('agent.chat')).toHaveLength(state === 'summarizing' ? 1 : 0);
      const closed = linked.broker.close();
      await linked.advance(10_100);
      await closed;
      expect(host.replyTo(id).error.code).toBe(-32021);
    },
  );

  test('and nobody knows it, or it is another’s › then -32014 and -32015 say so', async () => {
    await start(host, { id: 'm' });
    expect((await host.call('meeting.stop', { meeting_id: 'x' })).error.code).toBe(-32014);
    const other = await linked.host();
    for (const method of ['meeting.stop', 'meeting.get']) {
      expect((await other.call(method, { meeting_id: 'm' })).error.code).toBe(-32015);
    }
    expect(await other.ok('meeting.list')).toEqual({ meetings: [] });
    expect((await other.call('meeting.start', { id: 'm', audio_source: SOURCE })).error.code).toBe(-32015);
    expect((await host.call('meeting.start', { id: 'm', audio_source: SOURCE })).error.code).toBe(-32010);
    const manager = await linked.manager();
    expect(await manager.ok('meeting.get', { meeting_id: 'm' })).toMatchObject({ status: 'running' });
  });
});

describe('a meeting › when it ends otherwise', () => {
  test('because its client is gone › then any client may read it, and no agent', async () => {
    const stream = await start(host, { id: 'm' });
    says(stream, { type: 'final', text: 'one' });
    await settle();
    host.close();
    await settle();
    const other = await linked.host();
    expect(await other.ok('meeting.get', { meeting_id: 'm' })).toMatchObject({ status: 'ended', transcript: 'one' });
    // To an agent, which is somebody else, there is no such meeting.
    expect((await ear.call('meeting.get', { meeting_id: 'm' })).error.code).toBe(-32014);
    expect(await ear.ok('meeting.list')).toEqual({ meetings: [] });
  });

  test('because its agent is gone › then that agent alone may read it, and remembers it', async () => {
    const scribe = await linked.agent('scribe');
    const stream = await start(scribe, { id: 'm' });
    says(stream, { type: 'final', text: 'one' });
    await settle();
    scribe.close();
    await settle();
    // Its id is the agent's own, and the local person sees that there is one.
    expect((await host.call('meeting.get', { meeting_id: 'm' })).error.code).toBe(-32014);
    const [row] = (await (await linked.manager()).ok('meeting.list')).meetings;
    expect((await host.call('meeting.get', { meeting_id: row.id })).error.code).toBe(-32015);
    const again = await linked.agent('scribe');
    expect(await again.ok('meeting.get', { meeting_id: 'm' })).toMatchObject({ agent_id: 'scribe', transcript: 'one' });
    expect((await again.ok('memory.query', { query: 'one' })).facts).toHaveLength(1);
  });

  test('because its provider is gone › then the client is told, and a stop gives what there is', async () => {
    const stream = await start(host, { id: 'm' });
    says(stream, { type: 'final', text: 'one' });
    await settle();
    ear.close();
    await settle();
    expect(voiceEvents(host).slice(-2)).toMatchObject([{ code: 'provider_disconnected' }, { type: 'ended' }]);
    expect(await host.ok('meeting.stop', { meeting_id: 'm' })).toEqual({ id: 'm', transcript: 'one', summary: null });
  });

  test('because the broker stops › then it is over', async () => {
    await start(host, { id: 'm' });
    await linked.broker.close();
    expect(voiceEvents(host)).toMatchObject([{ type: 'error', code: 'draining' }, { type: 'ended' }]);
  });
});

/** What a memory may do with what it is told. */
const MOODS: Record<string, Memory['addFact']> = {
  throws: () => {
    throw new Error('no');
  },
  rejects: () => Promise.reject(new Error('no')),
  'is silent': () => new Promise(() => {}),
  'answers nonsense': () => ({ toJSON: () => undefined }) as never,
};

test.each(Object.keys(MOODS))(
  'a meeting › when its memory %s › then its client hears the same events in the same order, and all of it is kept',
  async (mood) => {
    const event = fc.oneof(
      fc.record({ type: fc.constant('final'), text: fc.string(), more: fc.jsonValue() }),
      fc.record({ type: fc.constantFrom('partial', 'note'), text: fc.string() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 100 }), async (events) => {
        const addFact = MOODS[mood] as Memory['addFact'];
        await begin({ memory: { addFact, query: () => [], delete: () => false, factCount: () => 0 } });
        const stream = await start(host, { id: 'm' });
        const sent = events.map((each) => JSON.parse(JSON.stringify(each)));
        for (const each of sent) says(stream, each);
        await settle();
        await settle();
        expect(voiceEvents(host)).toEqual(sent.map((each) => ({ session_id: 'm', ...each })));
        const { segments } = await host.ok('meeting.get', { meeting_id: 'm' });
        const said = sent.filter(({ type }) => type === 'final').map(({ text }) => text);
        expect(segments.map(({ text }: Message) => text)).toEqual(said);
      }),
      { numRuns: 20 },
    );
  },
);

test('meetings › when there are more than are kept › then the oldest that is over goes', async () => {
  await begin({ limits: { keptMeetings: 2 } });
  await start(host, { id: 'live' });
  const other = await linked.host();
  for (const id of ['a', 'b']) {
    const stream = await start(other, { id });
    other.post('meeting.stop', { meeting_id: id });
    await finish(stream);
  }
  const manager = await linked.manager();
  expect((await manager.ok('meeting.list')).meetings.map(({ id }: Message) => id)).toEqual(['live', 'b']);
});
