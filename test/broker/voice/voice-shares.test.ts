import { expect, test } from 'vitest';
import { AGENTS } from '../../../actors/connection/agent-registry.ts';
import { voiceOf } from '../../../actors/voice/client-voice.ts';
import { linkedPair } from '../../../transport/linked-pair.ts';
import { HeldLink } from '../../support/held-link.ts';
import { startInternals } from '../../support/internals.ts';
import { LinkedClient, settle, startLinked } from '../../support/linked.ts';
import { readDrops } from '../../support/metrics.ts';
import { base64, frameOf, hexId, pcm, transcribe, voiceEvents } from '../../support/voice.ts';

/* Audio that waits for a provider which does not read: whose it is, and what becomes of it. */

/** What a frame is besides its audio. */
const HEAD = 26;
const MOST = 10 * (HEAD + 100);
const piece = new Uint8Array(100);

async function scene() {
  const internals = startInternals({ limits: { maxWaitingAudioBytes: MOST, hardLimitBytes: 4 * MOST } });
  const [near, far] = linkedPair();
  const link = new HeldLink(far);
  internals.open(link);
  const ear = new LinkedClient(near);
  const { token } = internals.state.get(AGENTS).upsert({ id: 'ear', capabilities: ['voice.transcribe'] });
  await ear.ok('session.auth', { agent_id: 'ear', token });
  const [one, two] = [await internals.host(), await internals.host()];
  return { internals, link, ear, one, two };
}

/** Sends so many pieces of audio. */
async function talk(client: LinkedClient, id: string, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) client.sendBinary(frameOf('AudioIn', id, piece));
  await settle();
}

test('two clients at one provider › when one has filled its share › then the other’s audio still gets through', async () => {
  const { link, ear, one, two } = await scene();
  await transcribe(one, ear, hexId(1));
  await talk(one, hexId(1), 20);
  expect(link.waitingBytes).toBe(MOST);
  expect(voiceEvents(one)).toMatchObject([{ code: 'audio_overflow' }]);
  await transcribe(two, ear, hexId(2));
  await talk(two, hexId(2), 5);
  expect(voiceEvents(two)).toEqual([]);
  expect(link.waitingBytes).toBe(1.5 * MOST);
  // Its half, and no more; a request is refused like a frame.
  await talk(two, hexId(2), 1);
  expect(voiceEvents(two)).toMatchObject([{ code: 'audio_overflow' }]);
  const push = { session_id: hexId(2), pcm_b64: base64(piece) };
  expect((await two.call('voice.transcribe_stream.push', push)).error.code).toBe(-32020);
  link.release();
  await settle();
  expect(ear.binaries).toHaveLength(15);
  await talk(two, hexId(2), 5);
  expect(await two.ok('voice.transcribe_stream.push', { ...push, pcm_b64: '' })).toEqual({ received: 0 });
  expect(voiceEvents(two)).toHaveLength(1);
});

test('a transcription › when another one ends › then its share is the larger for it', async () => {
  const { internals, link, ear, one, two } = await scene();
  const first = await transcribe(one, ear, hexId(1));
  await transcribe(two, ear, hexId(2));
  await talk(two, hexId(2), 6);
  expect(link.waitingBytes).toBe(MOST / 2);
  ear.notify('voice.event', { stream_id: first, type: 'ended' });
  await settle();
  await talk(two, hexId(2), 6);
  expect(link.waitingBytes).toBe(MOST);
  two.close();
  await settle();
  expect(voiceOf(internals.attached('ear')).transcriptions).toBe(0);
});

test('a provider › when more than may wait for any connection waits for it › then audio does not add to it', async () => {
  const { link, ear, one } = await scene();
  await transcribe(one, ear, hexId(1));
  link.other = 4 * MOST;
  await talk(one, hexId(1), 1);
  expect(voiceEvents(one)).toMatchObject([{ code: 'audio_overflow' }]);
});

test('a provider › when audio was dropped on its way › then it sees the gap in the numbers', async () => {
  const linked = startLinked();
  const host = await linked.host();
  linked.broker.upsertAgent({ id: 'ear', capabilities: ['voice.transcribe'] });
  const ear = await linked.agent('ear');
  await transcribe(host, ear, hexId(1));
  for (const audio of [pcm(1), new Uint8Array(3), pcm(2)]) host.sendBinary(frameOf('AudioIn', hexId(1), audio));
  await settle();
  expect(ear.binaries.map((frame) => frame?.seq)).toEqual([0n, 2n]);
  expect(await readDrops(linked.broker)).toEqual({ malformed_audio: 1 });
  const { link, ear: slow, one } = await scene();
  await transcribe(one, slow, hexId(1));
  await talk(one, hexId(1), 12);
  link.release();
  await talk(one, hexId(1), 1);
  link.release();
  await settle();
  expect(slow.binaries.map((frame) => Number(frame?.seq))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12]);
});

test('a provider that never answers what nobody waits for › then the oldest of it is forgotten', async () => {
  const { internals } = await scene();
  const client = internals.attached('ear');
  for (let n = 0; n <= 1_024; n += 1) client.dismissCall(`sb-${n}`);
  expect(client.isDismissed('sb-0')).toBe(false);
  expect([client.isDismissed('sb-1'), client.isDismissed('sb-1024'), client.isDismissed('sb-1024')]).toEqual([
    ...[true, true, false],
  ]);
});
