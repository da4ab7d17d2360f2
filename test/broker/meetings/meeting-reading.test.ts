import { beforeEach, describe, expect, test } from 'vitest';
import type { MeetingHead, MeetingLine, MeetingStore } from '../../../broker.ts';
import { type Linked, type LinkedClient, settle, startLinked } from '../../support/linked.ts';
import { provider, startMeeting } from '../../support/voice.ts';

/* Reading what is kept of meetings (`wire.md` section 11): it is slow, and everybody's disk. */

const head = (id: string): MeetingHead => ({
  ...{ id, title: null, status: 'ended', started_at: 1, ended_at: 2, agent_id: null, bytes: 9 },
});

/** A store whose readings end when the test says so. */
class SlowStore implements MeetingStore {
  readonly kept = new Map<string, MeetingLine[]>();
  /** Every reading that began, and what ends it. */
  readonly readings: { id: string; end(): void }[] = [];
  isSlow = true;
  readonly #heads: MeetingHead[];

  constructor(ids: string[]) {
    this.#heads = ids.map(head);
    for (const id of ids) this.kept.set(id, [{ type: 'final', text: `said in ${id}` }]);
  }
  load(): MeetingHead[] {
    return this.#heads;
  }
  create({ id }: MeetingHead): void {
    this.kept.set(id, []);
  }
  append(id: string, line: MeetingLine): void {
    this.kept.get(id)?.push(line);
  }
  read(id: string): Promise<MeetingLine[]> {
    const lines = [...(this.kept.get(id) ?? [])];
    if (!this.isSlow) return Promise.resolve(lines);
    return new Promise((resolve) => this.readings.push({ id, end: () => resolve(lines) }));
  }
  remove(id: string): void {
    this.kept.delete(id);
  }
  begun(): string[] {
    return this.readings.map(({ id }) => id);
  }
}

let store: SlowStore;
let linked: Linked;
let host: LinkedClient;
beforeEach(async () => {
  store = new SlowStore(['a', 'b', 'c', 'd']);
  linked = startLinked({ meetingStore: store });
  host = await linked.host();
});
const get = (client: LinkedClient, meeting_id: string) => client.post('meeting.get', { meeting_id });
const textOf = (client: LinkedClient, id: number) => client.replyTo(id)?.result?.transcript;

describe('a kept meeting › when it is read', () => {
  test('by many at the same time › then it is read once, for all of them', async () => {
    const other = await linked.host();
    const mine = [get(host, 'a'), get(host, 'a'), host.post('meeting.stop', { meeting_id: 'a' })];
    const others = get(other, 'a');
    await settle();
    expect(store.begun()).toEqual(['a']);
    store.readings[0]?.end();
    await settle();
    for (const id of mine) expect(textOf(host, id)).toBe('said in a');
    expect(textOf(other, others)).toBe('said in a');
    get(host, 'a');
    await settle();
    expect(store.begun()).toEqual(['a', 'a']);
  });

  test('and something is said meanwhile › then who asks afterwards gets that too', async () => {
    const ear = await provider(linked, 'ear', 'voice.transcribe');
    const stream = await startMeeting(host, ear, { id: 'm' });
    const says = (text: string) => ear.notify('voice.event', { stream_id: stream, type: 'final', text });
    says('one');
    await settle();
    const before = get(host, 'm');
    await settle();
    says('two');
    await settle();
    const after = [get(host, 'm'), get(host, 'm')];
    await settle();
    // Not twice at the same time.
    expect(store.begun()).toEqual(['m']);
    store.readings[0]?.end();
    await settle();
    expect(store.begun()).toEqual(['m', 'm']);
    store.readings[1]?.end();
    await settle();
    expect(textOf(host, before)).toBe('one');
    for (const id of after) expect(textOf(host, id)).toBe('one two');
  });

  test('and eight of its client’s readings are not answered › then the ninth gets -32020, until one is', async () => {
    const ids = Array.from({ length: 8 }, () => get(host, 'a'));
    const limit = { name: 'max_pending_reads', value: 8 };
    for (const method of ['meeting.get', 'meeting.stop']) {
      const { error } = await host.call(method, { meeting_id: 'b' });
      expect(error).toMatchObject({ code: -32020, data: { limit } });
    }
    const other = await linked.host();
    const others = get(other, 'a');
    await settle();
    store.readings[0]?.end();
    await settle();
    for (const id of ids) expect(textOf(host, id)).toBe('said in a');
    expect(textOf(other, others)).toBe('said in a');
    const next = get(host, 'b');
    await settle();
    store.readings[1]?.end();
    await settle();
    expect(textOf(host, next)).toBe('said in b');
  });

  test('and two others are being read › then it waits for one of them', async () => {
    const other = await linked.host();
    get(host, 'a');
    get(host, 'b');
    await settle();
    const third = get(other, 'c');
    await settle();
    get(host, 'd');
    await settle();
    expect(store.begun()).toEqual(['a', 'b']);
    store.readings[1]?.end();
    await settle();
    expect(store.begun()).toEqual(['a', 'b', 'c']);
    store.readings[2]?.end();
    await settle();
    expect(textOf(other, third)).toBe('said in c');
    expect(store.begun()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('and the store never answers › then -32004 says so, and others are read all the same', async () => {
    const never = [get(host, 'a'), get(host, 'b')];
    await linked.advance(10_100);
    for (const id of never) expect(host.replyTo(id).error.code).toBe(-32004);
    const third = get(host, 'c');
    await settle();
    expect(store.begun()).toEqual(['a', 'b', 'c']);
    store.readings[2]?.end();
    await settle();
    expect(textOf(host, third)).toBe('said in c');
  });

  test('and it is long › then everybody else has many turns meanwhile', async () => {
    const text = 'x'.repeat(50);
    const lines: MeetingLine[] = Array.from({ length: 20_000 }, () => ({ type: 'final', text }));
    store.isSlow = false;
    store.kept.set('a', lines);
    const id = get(host, 'a');
    let turns = 0;
    for (; !host.replyTo(id); turns += 1) await settle();
    expect(turns).toBeGreaterThan(20);
    expect(host.replyTo(id).result.segments).toHaveLength(20_000);
    expect(textOf(host, id)).toBe(lines.map(() => text).join(' '));
    // Nor are all who asked answered in one turn.
    const ids = Array.from({ length: 8 }, () => get(host, 'a'));
    const answered = () => ids.filter((each) => host.replyTo(each)).length;
    for (let before = 0; before < 8; before = answered()) {
      await settle();
      expect(answered() - before).toBeLessThanOrEqual(1);
    }
  });
});

test.each<[string, unknown]>([
  ['nonsense', 7],
  ['nothing', undefined],
])('a kept meeting › when its store reads %s › then that is an internal error, and nothing more', async (_, read) => {
  linked = startLinked({ meetingStore: { ...plainStore(), read: async () => read as never } });
  host = await linked.host();
  await linked.agent('sage');
  for (const params of [{ meeting_id: 'a' }, { meeting_id: 'a', summarizer: 'sage' }]) {
    expect((await host.call('meeting.stop', params)).error.code).toBe(-32603);
  }
});

test('a kept meeting › when its store reads lines that are none › then they are passed over', async () => {
  const lines = [
    ...[null, 7, [], { type: 'final' }, { type: 'final', text: 7 }, { type: 'summary', text: 7 }, { type: 'x' }],
    { type: 'final', text: '"q" \\ \ud800 \u2028', speaker: 7, start_ms: Number.NaN, end_ms: 3, more: 10n },
    { type: 'final', text: 'ä\n' },
  ];
  linked = startLinked({ meetingStore: { ...plainStore(), read: async () => lines as never } });
  host = await linked.host();
  const { result } = await host.call('meeting.get', { meeting_id: 'a' });
  expect(result).toEqual({
    ...{ id: 'a', title: null, status: 'ended', started_at: 1, ended_at: 2, agent_id: null, summary: null },
    transcript: '"q" \\ \ud800 \u2028 ä\n',
    segments: [{ text: '"q" \\ \ud800 \u2028', end_ms: 3 }, { text: 'ä\n' }],
  });
});

function plainStore(): MeetingStore {
  return { load: () => [head('a')], create() {}, append() {}, read: async () => [], remove() {} };
}
