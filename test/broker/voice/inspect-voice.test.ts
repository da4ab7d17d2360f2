import { beforeAll, describe, expect, test } from 'vitest';
import { AudioFrameType } from '../../../protocol/audio-frame.ts';
import { inspectSubscribeResult } from '../../../protocol/inspect.ts';
import { a2a, bearer, E1, SECRET } from '../../support/a2a.ts';
import { type LinkedClient, type Message, settle, startLinked } from '../../support/linked.ts';
import { create, loadSurfaceSchemas } from '../../support/surfaces.ts';
import { frameOf, hexId, provider, startMeeting, transcribe } from '../../support/voice.ts';
import { actorIn, ofActor, recordsOf, tick } from '../inspect/inspect-support.ts';

/* Streams of voice, meetings and surfaces, as somebody sees them who watches the statecharts. */

beforeAll(loadSurfaceSchemas);

/** A watcher, a host, and the agent `ear` that transcribes. */
async function startWatched() {
  const linked = startLinked({ inspect: true, a2a });
  const watcher = await linked.manager();
  const host = await linked.host();
  const ear = await provider(linked, 'ear', 'voice.transcribe');
  const subscribe = async () => inspectSubscribeResult.parse(await watcher.ok('inspect.subscribe')) as Message;
  return { linked, watcher, host, ear, subscribe };
}

const eventsOf = (watcher: LinkedClient, id: string, type: string): Message[] =>
  ofActor(watcher, id).filter((record) => record.type === 'event' && record.event === type);

describe('inspect.subscribe › when there are streams, meetings and surfaces', () => {
  test('that already live › then the snapshot has them, with what they know, and their charts', async () => {
    const { host, ear, subscribe } = await startWatched();
    await transcribe(host, ear, hexId(1));
    await startMeeting(host, ear, { id: hexId(2), title: 'Standup' });
    const endpoint = `${E1}?k=in-the-query`;
    await host.ok('a2ui.ingest', { payload: create('s'), endpoint, routeAuth: bearer });
    const snapshot = await subscribe();
    const broker = actorIn(snapshot, 'broker');
    expect(Object.keys(snapshot.machines)).toEqual(expect.arrayContaining(['voiceStream', 'meeting', 'surfaceOwner']));
    expect(actorIn(snapshot, 'voiceStream')).toMatchObject({
      parent: broker.id,
      state: ['running'],
      label: 'ear',
      context: { kind: 'transcribe', id: hexId(1), provider: 'ear', waiting_bytes: 0 },
    });
    expect(actorIn(snapshot, 'meeting')).toMatchObject({
      parent: broker.id,
      state: ['running'],
      label: 'Standup',
      context: { id: hexId(2) },
    });
    expect(actorIn(snapshot, 'surfaceOwner')).toMatchObject({
      parent: broker.id,
      state: ['holding'],
      context: { agent_id: null, endpoint: E1, surfaces: ['s'] },
    });
    expect(JSON.stringify(snapshot)).not.toContain(SECRET);
    expect(JSON.stringify(snapshot)).not.toContain('in-the-query');
  });

  test('that come and go › then their beginnings, their ways and their ends are told', async () => {
    const { linked, watcher, host, ear, subscribe } = await startWatched();
    await subscribe();
    const id = await startMeeting(host, ear, { id: hexId(1) });
    ear.notify('voice.event', { stream_id: id, type: 'final', text: 'hello' });
    ear.notify('voice.event', { stream_id: id, type: 'ended' });
    await host.ok('a2ui.ingest', { payload: create('s'), endpoint: E1, routeAuth: bearer });
    await tick(linked);
    const started = recordsOf(watcher).filter((record) => record.type === 'started');
    for (const [machine, end] of [
      ['voiceStream', 'ended'],
      ['meeting', 'ended'],
    ]) {
      const { actor } = started.find((record) => record.actor.machine === machine) ?? {};
      expect(ofActor(watcher, actor.id).at(-1)).toMatchObject({ type: 'ended', status: 'done', state: [end] });
    }
    const owner = started.find((record) => record.actor.machine === 'surfaceOwner')?.actor;
    expect(eventsOf(watcher, owner.id, 'owner.changed')).toMatchObject([
      { payload: { changes: [{ surfaceId: 's', owner: { kind: 'a2a', endpoint: E1 } }] } },
    ]);
    expect(JSON.stringify(recordsOf(watcher))).not.toContain(SECRET);
  });
});

describe('the inspection feed › when audio passes', () => {
  test('one piece of it › then each who hears of it is told, with how long it is and not with what it says', async () => {
    const { linked, watcher, host, ear, subscribe } = await startWatched();
    await transcribe(host, ear, hexId(1));
    const snapshot = await subscribe();
    host.sendBinary(frameOf('AudioIn', hexId(1), new Uint8Array(640).fill(65)));
    await settle();
    await tick(linked);
    const broker = actorIn(snapshot, 'broker');
    const stream = actorIn(snapshot, 'voiceStream');
    expect(eventsOf(watcher, broker.id, 'voice.audio')).toMatchObject([
      { payload: { frame: { type: AudioFrameType.AudioIn, payload: '[640 bytes]' } } },
    ]);
    expect(eventsOf(watcher, stream.id, 'voice.audio')).toMatchObject([{ payload: { audio: '[640 bytes]' } }]);
    const delivered = recordsOf(watcher).filter((record) => record.event === 'audio.deliver');
    expect(delivered).toMatchObject([{ from: stream.id, payload: { data: '[666 bytes]' } }]);
  });

  test('far more than a person could read › then it is told in bundles, with the number and the last, and its end by itself', async () => {
    const { linked, watcher, host, ear, subscribe } = await startWatched();
    const id = await transcribe(host, ear, hexId(1));
    const snapshot = await subscribe();
    for (let n = 0; n < 500; n += 1) {
      host.sendBinary(frameOf('AudioIn', hexId(1), new Uint8Array(2)));
      ear.notify('voice.event', { stream_id: id, type: 'partial', text: `${n}` });
    }
    ear.notify('voice.event', { stream_id: id, type: 'final', text: 'all of it' });
    host.sendBinary(frameOf('End', hexId(1)));
    await settle();
    await tick(linked, 1_000);
    const stream = actorIn(snapshot, 'voiceStream');
    const counted = (type: string) => {
      const records = eventsOf(watcher, stream.id, type);
      const count = records.reduce((sum, record) => sum + (record.count ?? 1), 0);
      return { records: records.length, count };
    };
    const audio = counted('voice.audio');
    expect(audio.count).toBe(500);
    const events = counted('voice.event');
    expect(events.count).toBe(501);
    expect(audio.records + events.records).toBeLessThan(100);
    expect(eventsOf(watcher, stream.id, 'voice.event').at(-1)).toMatchObject({
      payload: { params: { type: 'final' } },
    });
    expect(eventsOf(watcher, stream.id, 'stream.stop')).toHaveLength(1);
  });
});
