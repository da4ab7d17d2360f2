import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectHost, type Frame } from '../../client/node.ts';
import { ScriptedBroker } from './scripted-broker.ts';

async function tapped(onFrame: (frame: Frame) => void, onNotification?: (method: string, params: unknown) => void) {
  const broker = await ScriptedBroker.start();
  onTestFinished(() => broker.stop());
  const connecting = connectHost({ url: broker.url, token: 'the-secret', onFrame, onNotification });
  const wire = await broker.accept();
  await wire.authenticate();
  return { wire, host: await connecting };
}

describe('onFrame', () => {
  it('hears both directions, in order, word for word, and never the token', async () => {
    const frames: Frame[] = [];
    const { wire, host } = await tapped((frame) => frames.push(frame));
    const listing = host.agents.list();
    const { id } = await wire.receive('agents.list');
    wire.send({ id: id as number, result: [] });
    await listing;
    expect(JSON.stringify(frames)).not.toContain('the-secret');
    expect(frames.map(({ direction }) => direction)).toEqual(['in', 'out', 'in']);
    expect(JSON.parse(frames[1]?.text ?? '')).toMatchObject({ method: 'agents.list', id });
    expect(JSON.parse(frames[2]?.text ?? '')).toMatchObject({ id, result: [] });
  });

  it('when it throws › says so, and the frame arrives all the same', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => said.mockRestore());
    const { wire, host } = await tapped(() => {
      throw new Error('clumsy');
    });
    const listing = host.agents.list();
    wire.send({ id: (await wire.receive('agents.list')).id as number, result: [] });
    expect(await listing).toEqual([]);
    expect(said).toHaveBeenCalled();
  });
});

describe('onNotification', () => {
  it('hears what the SDK has no use for, and nothing else', async () => {
    const heard: unknown[] = [];
    const { wire, host } = await tapped(
      () => {},
      (method, params) => heard.push([method, params]),
    );
    wire.send(
      { method: 'inspect.event', params: { records: [] } },
      { method: 'host.event', params: { sequence: 1 } },
      { method: 'agents.chat.event', params: {} },
    );
    wire.send({ id: 'sync', method: 'test.sync', params: {} });
    await wire.receive();
    expect(heard).toEqual([['inspect.event', { records: [] }]]);
    await host.close();
  });
});
