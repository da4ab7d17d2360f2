import { beforeEach, describe, expect, test } from 'vitest';
import { type Linked, type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';
import { readDrops } from '../../support/metrics.ts';
import { provider, SOURCE, transcribe, voiceEvents } from '../../support/voice.ts';

/* What providers in other languages really send (`wire.md` head, and section 11). */

let linked: Linked;
let host: LinkedClient;
let ear: LinkedClient;

const START = 'voice.transcribe_stream.start';
const STOP = 'voice.transcribe_stream.stop';
const says = (stream_id: string, event: object) => ear.notify('voice.event', { stream_id, ...event });

describe('a voice.event › when its provider is not exact', () => {
  const warned: Message[] = [];
  beforeEach(async () => {
    warned.length = 0;
    const warn = (fields: object, what: string) => warned.push({ what, ...fields });
    linked = startLinked({ log: { debug() {}, info() {}, error() {}, warn } });
    host = await linked.host();
    ear = await provider(linked, 'ear', 'voice.transcribe');
  });

  test('and writes null for what it has not › then it goes on untouched, and the transcript has none of it', async () => {
    const stream = await transcribe(host, ear, 's');
    const final = { type: 'final', text: 'hello', start_ms: null, end_ms: null, speaker: null, confidence: null };
    says(stream, { session_id: null, ...final, more: null });
    await settle();
    expect(voiceEvents(host)).toEqual([{ session_id: 's', ...final, more: null }]);
    const stopped = host.post(STOP, { session_id: 's' });
    says(stream, { type: 'ended' });
    await settle();
    expect(host.replyTo(stopped)?.result.segments).toEqual([{ text: 'hello' }]);
    expect(warned).toEqual([]);
  });

  test('and a field that may be left out is of the wrong type › then it is, and the event stays', async () => {
    const stream = await transcribe(host, ear, 's');
    says(stream, { type: 'final', text: 'hello', start_ms: '0', end_ms: 400, speaker: 7, more: {} });
    says(stream, { type: 'final', text: 8 });
    await settle();
    expect(voiceEvents(host)).toEqual([{ session_id: 's', type: 'final', text: 'hello', end_ms: 400, more: {} }]);
    expect(warned).toMatchObject([{ agent: 'ear', kind: 'voice.event final', field: 'start_ms', session: stream }]);
    expect(await readDrops(linked.broker)).toEqual({ malformed_event: 1 });
    const { event_faults } = await (await linked.manager()).ok('broker.status');
    expect(event_faults).toMatchObject([{ kind: 'voice.event final', dropped: 1, mended: 1, field: 'text' }]);
  });

  test.each<[answer: object, code: number]>([
    [{}, 0],
    [{ error: 'no' }, -32012],
    [{ result: 1, error: {} }, -32012],
  ])('and answers its start with %j › then that settles it', async (answer, code) => {
    const id = host.post(START, { session_id: 's', audio_source: SOURCE });
    await settle();
    ear.send({ jsonrpc: '2.0', id: ear.received('voice.transcribe.start')[0].id, ...answer });
    await settle();
    expect(host.replyTo(id)?.error?.code ?? 0).toBe(code);
  });
});
