import { readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { fileMeetingStore } from '../../daemon/file-meeting-store.ts';
import { settle, startLinked } from '../support/linked.ts';
import { provider, SOURCE, startMeeting } from '../support/voice.ts';
import { silent } from './meeting-files.ts';
import { temporaryDirectory } from './temporary.ts';

/* Meetings of a broker whose files go while it runs, or are left by one that was killed. */

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
async function begin() {
  const log = silent();
  const store = fileMeetingStore(directory, log);
  const linked = startLinked({ meetingStore: store, log });
  const host = await linked.host();
  const ear = await provider(linked, 'ear', 'voice.transcribe');
  return { log, store, linked, host, ear };
}

test.each<[string, () => void]>([
  ['file is', () => rmSync(join(directory, 'm.jsonl'))],
  ['directory is', () => rmSync(directory, { recursive: true })],
  [
    'file is another’s link, and so',
    () => {
      rmSync(join(directory, 'm.jsonl'));
      symlinkSync('/dev/null', join(directory, 'm.jsonl'));
    },
  ],
])('a meeting › when its %s gone › then it is read and stopped with what its stream has heard', async (_, spoil) => {
  const { log, store, host, ear } = await begin();
  const stream = await startMeeting(host, ear, { id: 'm' });
  const says = (event: object) => ear.notify('voice.event', { stream_id: stream, ...event });
  says({ type: 'final', text: 'one', speaker: 'Ann' });
  await settle();
  spoil();
  says({ type: 'final', text: 'two' });
  const reply = async (id: number) => {
    await expect.poll(() => host.replyTo(id)).toBeDefined();
    return host.replyTo(id).result;
  };
  const segments = [{ text: 'one', speaker: 'Ann' }, { text: 'two' }];
  for (let n = 0; n < 2; n += 1) {
    const got = await reply(host.post('meeting.get', { meeting_id: 'm' }));
    expect(got).toMatchObject({ transcript: 'one two', segments });
  }
  const stop = host.post('meeting.stop', { meeting_id: 'm' });
  await settle();
  says({ type: 'final', text: 'three' });
  says({ type: 'ended' });
  expect(await reply(stop)).toEqual({ id: 'm', transcript: 'one two three', summary: null });
  expect(log.lines.filter((line) => line.includes('could not be read'))).toHaveLength(1);
  await store.close();
});

test('a meeting › when the daemon is killed before its provider accepted › then nothing is left of it, and its id is free', async () => {
  const { host } = await begin();
  host.post('meeting.start', { id: 'm', audio_source: SOURCE });
  await settle();
  expect(readdirSync(directory)).toEqual(['m.jsonl']);
  // What a killed one leaves: nobody has closed anything.
  const again = await begin();
  expect(readdirSync(directory)).toEqual([]);
  expect((await again.host.ok('meeting.list')).meetings).toEqual([]);
  await startMeeting(again.host, again.ear, { id: 'm' });
  await again.store.close();
});
