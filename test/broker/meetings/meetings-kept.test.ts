import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { chooseVictims, type Kept } from '../../../actors/meetings/eviction.ts';
import type { BrokerOptions, MeetingHead } from '../../../broker.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { type Linked, type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';
import { provider, SOURCE, startMeeting } from '../../support/voice.ts';

/* Which meetings are kept (`wire.md` section 11), where there are too many. */

let linked: Linked;
let ear: LinkedClient;
beforeEach(() => begin({ keptMeetings: 3 }));
async function begin(limits: BrokerOptions['limits'] = {}): Promise<void> {
  linked = startLinked({ limits });
  ear = await provider(linked, 'ear', 'voice.transcribe');
}

/** Holds a meeting in which that is said, until it is over; gives the answer to its stop. */
async function hold(client: LinkedClient, id: string, said = 'word', title?: string): Promise<Message> {
  const stream = await startMeeting(client, ear, title === undefined ? { id } : { id, title });
  if (said) ear.notify('voice.event', { stream_id: stream, type: 'final', text: said });
  const stop = client.post('meeting.stop', { meeting_id: id });
  await settle();
  ear.notify('voice.event', { stream_id: stream, type: 'ended' });
  await settle();
  await settle();
  return client.replyTo(stop);
}
/** All that there are, as whoever held them calls them: to others an agent's have its mark behind. */
async function kept(): Promise<string[]> {
  const { meetings } = await (await linked.manager()).ok('meeting.list');
  return meetings.map(({ id }: Message) => id.replace(/[.][a-z2-7]{13}$/, ''));
}

test('meetings › when somebody holds ever more › then nobody else’s are deleted', async () => {
  const scribe = await linked.agent('scribe');
  await hold(scribe, 'mine');
  const stranger = await linked.host();
  for (let n = 0; n < 6; n += 1) await hold(stranger, `s${n}`);
  expect(await kept()).toEqual(['mine', 's4', 's5']);
  expect(await scribe.ok('meeting.get', { meeting_id: 'mine' })).toMatchObject({ transcript: 'word' });
  const other = await linked.agent('other');
  for (let n = 0; n < 6; n += 1) await hold(other, `o${n}`);
  expect(await kept()).toEqual(['mine', 's5', 'o5']);
});

test('meetings › when one client of many holds ever more › then it is its own that are deleted', async () => {
  await hold(await linked.host(), 'mine');
  const stranger = await linked.host();
  for (let n = 0; n < 6; n += 1) await hold(stranger, `s${n}`);
  expect(await kept()).toEqual(['mine', 's4', 's5']);
});

test('meetings › when nothing was said in one › then it goes first, and not before its stop was answered', async () => {
  const host = await linked.host();
  expect((await hold(host, 'empty', '')).result).toEqual({ id: 'empty', transcript: '', summary: null });
  await hold(host, 'named', '', 'Plans');
  await hold(host, 'spoken');
  expect(await kept()).toEqual(['empty', 'named', 'spoken']);
  await hold(host, 'more');
  expect(await kept()).toEqual(['named', 'spoken', 'more']);
  expect((await hold(host, 'second', '')).result).toEqual({ id: 'second', transcript: '', summary: null });
  expect(await kept()).toEqual(['named', 'spoken', 'more']);
});

test('meetings › when they take too much together › then whoever takes most loses the oldest that says something', async () => {
  await begin({ keptMeetingBytes: 1_000 });
  const scribe = await linked.agent('scribe');
  await hold(scribe, 'small');
  await hold(scribe, 'empty', '');
  const host = await linked.host();
  for (const id of ['x', 'y', 'z']) await hold(host, id, 'x'.repeat(400));
  expect(await kept()).toEqual(['small', 'empty', 'y', 'z']);
});

test('meetings › when one alone takes too much › then its stop is answered before it goes', async () => {
  await begin({ keptMeetingBytes: 100 });
  const host = await linked.host();
  const answer = await hold(host, 'm', 'x'.repeat(200));
  expect(answer.result).toEqual({ id: 'm', transcript: 'x'.repeat(200), summary: null });
  expect(await kept()).toEqual([]);
  expect((await host.call('meeting.get', { meeting_id: 'm' })).error.code).toBe(-32014);
});

test('meetings › when the store has something under an id › then -32602 names the id', async () => {
  const create = () => {
    throw Object.assign(new Error('it is there'), { code: 'EEXIST' });
  };
  const store = { load: () => [], create, append() {}, read: async () => [], remove() {} };
  linked = startLinked({ meetingStore: store });
  await provider(linked, 'ear', 'voice.transcribe');
  const { error } = await (await linked.host()).call('meeting.start', { id: 'm', audio_source: SOURCE });
  expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: 'id' }] } });
});

const anyKept: fc.Arbitrary<Kept[]> = fc.array(
  fc.record({
    head: fc.record({
      id: fc.uuid(),
      title: fc.constantFrom(null, 'Plans'),
      agent_id: fc.constantFrom(null, 'ann', 'bob'),
      bytes: fc.constantFrom(0, 1, 10, 100),
    }) as unknown as fc.Arbitrary<MeetingHead>,
    clientId: fc.constantFrom('', 'c1', 'c2'),
    isFree: fc.boolean(),
  }),
  { maxLength: 30 },
);
const sum = (heads: readonly MeetingHead[]) => heads.reduce((all, { bytes }) => all + bytes, 0);

test('chooseVictims › when any are kept › then as many go as have to, only free ones, and none for nothing', () => {
  fc.assert(
    fc.property(
      anyKept,
      fc.integer({ min: -5, max: 30 }),
      fc.integer({ min: -5, max: 500 }),
      (all, meetings, bytes) => {
        const victims = chooseVictims(all, { meetings, bytes });
        const free = all.filter(({ isFree }) => isFree).map(({ head }) => head);
        expect(new Set(victims).size).toBe(victims.length);
        for (const head of victims) expect(free).toContain(head);
        const enough = victims.length >= meetings && sum(victims) >= bytes;
        if (!enough) {
          const useful = victims.length < meetings ? free : free.filter((head) => head.bytes > 0);
          for (const head of useful) expect(victims).toContain(head);
        }
        // Without the last one it would not have been enough.
        const before = victims.slice(0, -1);
        if (victims.length > 0) expect(before.length >= meetings && sum(before) >= bytes).toBe(false);
      },
    ),
  );
});

test('meetings › when their agent is removed › then the next agent of that id finds none of them, and others stay', async () => {
  await begin();
  const scribe = await linked.agent('scribe');
  await hold(scribe, 'theirs');
  await startMeeting(scribe, ear, { id: 'running' });
  await hold(await linked.host(), 'mine');
  const manager = await linked.manager();
  await manager.ok('agents.remove', { id: 'scribe' });
  await settle();
  const next = await linked.agent('scribe');
  expect(await next.ok('meeting.list')).toEqual({ meetings: [] });
  for (const id of ['theirs', 'running']) {
    expect((await next.call('meeting.get', { meeting_id: id })).error.code).toBe(ErrorCode.NotFound);
  }
  expect(await kept()).toEqual(['mine']);
});
