import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { connectAgent, connectHost } from '../../client/browser.ts';
import { CutProxy } from './cut-proxy.ts';
import { RealBroker } from './real-broker.ts';
import { ScriptedBroker } from './scripted-broker.ts';
import { speaker } from './speaker.ts';

/** Every module that a file needs, directly or not: packages by their names, files by their paths. */
function importsOf(file: string, seen = new Set<string>()): Set<string> {
  const source = readFileSync(file, 'utf8');
  for (const [, type, name = ''] of source.matchAll(/^(?:import|export)( type)? [^;]*?from '([^']+)';/gms)) {
    const found = name.startsWith('.') ? resolve(dirname(file), name) : name;
    if (type || seen.has(found)) continue;
    seen.add(found);
    if (found !== name) importsOf(found, seen);
  }
  return seen;
}

describe('client/browser.ts', () => {
  it('needs nothing that a browser does not have', () => {
    const imports = importsOf(resolve('client/browser.ts'));
    expect([...imports].filter((name) => !name.startsWith('/'))).toEqual([]);
    expect([...imports]).toContain(resolve('client/peer.ts'));
    expect([...importsOf(resolve('client/node.ts'))]).toContain('ws');
  });

  it('speaks over the native WebSocket', async () => {
    // The one of `ws` has the same interface; Node has none of its own before 22.
    const native = globalThis.WebSocket;
    globalThis.WebSocket = WebSocket as unknown as typeof native;
    const broker = await ScriptedBroker.start();
    onTestFinished(async () => {
      globalThis.WebSocket = native;
      await broker.stop();
    });

    const hosting = connectHost({ url: broker.url, token: 'a' });
    const hostWire = await broker.accept();
    await hostWire.authenticate();
    const host = await hosting;
    const serving = connectAgent({ url: broker.url, agentId: 'echo', token: 'b', onChat: async () => 'hello' });
    const agentWire = await broker.accept();
    await agentWire.authenticate();
    const agent = await serving;

    const chat = host.chat('echo', 'hi');
    const { id, params } = await hostWire.receive('agents.chat');
    const turn = { session_id: params.session_id, turn_id: 't', prompt: 'hi', stream: true, context: {} };
    agentWire.send({ id: 1, method: 'agent.chat', params: turn });
    expect(await agentWire.receive()).toMatchObject({ result: { accepted: true } });
    hostWire.send({ id: id as number, result: { accepted: true, session_id: params.session_id, turn_id: 't' } });
    for (let n = 0; n < 2; n++) {
      const { params } = await agentWire.receive('agent.chat.event');
      hostWire.send({ method: 'agents.chat.event', params });
    }
    expect(await chat.text()).toBe('hello');

    hostWire.close(1001, 'broker stopping');
    expect(await host.closed).toMatchObject({ closeCode: 1001, closeReason: 'broker stopping' });
    await agent.close();
  });

  it('resumes a chat whose wire was cut', async () => {
    const native = globalThis.WebSocket;
    globalThis.WebSocket = WebSocket as unknown as typeof native;
    onTestFinished(() => {
      globalThis.WebSocket = native;
    });
    const real = await RealBroker.start();
    const { onChat, say } = speaker();
    await real.agent(onChat);
    const proxy = await CutProxy.to(real.url);
    const host = await connectHost({ url: proxy.url, token: real.broker.tokens.daemon });
    onTestFinished(() => host.close());
    const chat = host.chat('echo', 'hi', { resumable: true });
    const events = chat[Symbol.asyncIterator]();
    say('one');
    expect(await events.next()).toMatchObject({ value: { delta: 'one' } });
    proxy.cut();
    say('two');
    say();
    expect(await events.next()).toMatchObject({ value: { delta: 'two', seq: 2 } });
    expect(await events.next()).toMatchObject({ value: { kind: 'done' } });
  });

  it('sends and receives binary frames over it', async () => {
    const native = globalThis.WebSocket;
    globalThis.WebSocket = WebSocket as unknown as typeof native;
    onTestFinished(() => {
      globalThis.WebSocket = native;
    });
    const { broker, url } = await RealBroker.start();
    const { token } = broker.upsertAgent({ id: 'parrot', capabilities: ['voice.transcribe', 'voice.speak'] });
    const agent = await connectAgent({
      url,
      agentId: 'parrot',
      token,
      onChat: async () => '',
      async *onTranscribe({ audio }) {
        for await (const piece of audio) yield { type: 'final', text: [...piece].join('-') };
      },
      async *onSpeak({ text }) {
        yield { format: 'pcm', audio: new TextEncoder().encode(text) };
      },
    });
    const host = await connectHost({ url, token: broker.tokens.daemon });
    const stream = host.transcribe({ sampleRate: 8_000 });
    await stream.write(Uint8Array.from([1, 2]));
    stream.end();
    expect(await stream.text()).toBe('1-2');
    const { audio } = await host.speak('hello').audio();
    expect(new TextDecoder().decode(audio)).toBe('hello');
    await host.close();
    await agent.close();
  });

  it('when nobody listens › rejects with ConnectionError', async () => {
    const native = globalThis.WebSocket;
    globalThis.WebSocket = WebSocket as unknown as typeof native;
    onTestFinished(() => {
      globalThis.WebSocket = native;
    });
    const broker = await ScriptedBroker.start();
    await broker.stop();
    await expect(connectHost({ url: broker.url })).rejects.toMatchObject({ name: 'ConnectionError' });
  });
});
