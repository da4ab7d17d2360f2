import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { type AgentOptions, ConnectionLostError, connectHost, type Frame, type Host } from '../../client/node.ts';
import { create, loadSurfaceSchemas } from '../support/surfaces.ts';
import { CutProxy } from './cut-proxy.ts';
import { RealBroker, rejection } from './real-broker.ts';

/* What voice, meetings, memory and surfaces are to a host whose wire is cut, and that comes back. */

beforeAll(loadSurfaceSchemas);

const RATE = { sampleRate: 16_000 };

const parrot: Partial<AgentOptions> = {
  async *onTranscribe({ audio }) {
    for await (const piece of audio) yield { type: 'final', text: [...piece].join('-') };
  },
  async *onSpeak({ text }) {
    yield { format: 'pcm', audio: new TextEncoder().encode(text) };
  },
};

/** A host behind a wire that can be cut, an agent that is a provider of voice, and the frames that the host's tap hears. */
async function scene() {
  const real = await RealBroker.start();
  real.broker.upsertAgent({ id: 'echo', capabilities: ['voice.transcribe', 'voice.speak'] });
  await real.agent(async () => '', parrot);
  const proxy = await CutProxy.to(real.url);
  const frames: Frame[] = [];
  let ready = () => {};
  const host: Host = await connectHost({
    url: proxy.url,
    token: real.broker.tokens.daemon,
    reconnect: { minMs: 1, maxMs: 10 },
    onFrame: (frame) => frames.push(frame),
    onStatus: ({ status }) => status === 'ready' && ready(),
  });
  onTestFinished(() => host.close());
  /** Cuts the wire, and waits until there is another one. */
  const comeBack = () =>
    new Promise<void>((resolve) => {
      ready = resolve;
      proxy.cut();
    });
  return { real, host, frames, comeBack };
}

test('a host whose wire is cut › then what ran on it ends with how it was lost', async () => {
  const { host, comeBack } = await scene();
  const [stream, meeting] = [host.transcribe(RATE), host.meetings.start({ ...RATE, title: 'Standup' })];
  await Promise.all([stream.started, meeting.started]);
  const subscription = await host.surfaces.subscribe();
  const speech = host.speak('never heard', { provider: 'nobody' });
  expect(await rejection(speech.started)).toMatchObject({ codeName: 'AgentNotAttached' });
  const [text, minutes, events] = [stream.text(), meeting.text(), subscription[Symbol.asyncIterator]().next()].map(
    (pending) => rejection(pending as Promise<unknown>),
  );
  await comeBack();
  for (const lost of [text, minutes, events]) expect(await lost).toBeInstanceOf(ConnectionLostError);
  // What is said to a stream that is over is said to nobody.
  await stream.write(Uint8Array.from([1, 2]));
  stream.end();
});

test('a host that has come back › then all of it works on the new connection, and a tap lets audio through', async () => {
  const { real, host, frames, comeBack } = await scene();
  await host.surfaces.subscribe();
  await comeBack();

  const stream = host.transcribe(RATE);
  await stream.write(Uint8Array.from([3, 4]));
  stream.end();
  expect(await stream.text()).toBe('3-4');
  const { audio } = await host.speak('hello').audio();
  expect(new TextDecoder().decode(audio)).toBe('hello');

  const meeting = host.meetings.start({ ...RATE, title: 'Retro' });
  await meeting.write(Uint8Array.from([5, 6]));
  const { transcript } = await host.meetings.stop(meeting.sessionId);
  expect(transcript).toBe('5-6');
  expect(await host.memory.query('5-6')).toMatchObject([{ body: '5-6' }]);

  const subscription = await host.surfaces.subscribe();
  await (await real.host()).surfaces.apply(create('s'));
  expect(await subscription[Symbol.asyncIterator]().next()).toMatchObject({ value: { kind: 'a2ui.surface_updated' } });

  expect(frames.every(({ text }) => typeof text === 'string')).toBe(true);
  expect(frames.some(({ text }) => text.includes('voice.transcribe_stream.start'))).toBe(true);
});
