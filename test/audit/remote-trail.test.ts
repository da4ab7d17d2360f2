import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RemoteTrail, type RemoteTrailOptions } from '../../audit/remote-trail.ts';
import { TrailWriter } from '../../audit/trail-writer.ts';
import { verifyTrail } from '../../audit/verify.ts';
import { auditPlace, recordsOf } from './support.ts';

const PATIENCE = { timeout: 20_000, interval: 10 };

async function place() {
  const audit = auditPlace();
  const path = join(audit.directory, 'audit.sock');
  /** The process that writes, in one life of it. */
  const write = async () => {
    const trail = await audit.open();
    const writer = new TrailWriter(trail);
    rmSync(path, { force: true });
    await writer.listen(path);
    let isOver = false;
    const end = async () => {
      if (isOver) return;
      isOver = true;
      await writer.close();
      await trail.close();
    };
    onTestFinished(end);
    return { trail, end };
  };
  const said: string[] = [];
  const tell = (worker: string, more: Partial<RemoteTrailOptions> = {}) => {
    const trail = new RemoteTrail({
      path,
      worker,
      life: `life of ${worker}`,
      on: {
        lost: () => said.push('lost'),
        found: (lost) => said.push(`found, without ${lost}`),
        abandoned: (entries) => said.push(`abandoned ${entries}`),
      },
      ...more,
    });
    onTestFinished(() => trail.close());
    return trail;
  };
  const told = (worker?: string) =>
    recordsOf(audit.path).filter((record) => (worker ? record.worker === worker : record.worker !== undefined));
  return { ...audit, socket: path, write, tell, told, said };
}

const entry = (n: number) => ({ who: 'local', what: 'turn.open', outcome: 'ok', on: `turn-${n}` });
const ons = (records: { on: string }[]) => records.map(({ on }) => on);

describe('a trail that another process writes', () => {
  it('has what several note, each one’s in its order, in one chain', async () => {
    const { path, key, write, tell, told } = await place();
    const { trail, end } = await write();
    const [two, three] = [tell('2'), tell('3')];
    await Promise.all([two.ready(20_000), three.ready(20_000)]);
    for (let n = 0; n < 500; n += 1) {
      two.note(entry(n));
      three.note(entry(n));
      trail.note({ ...entry(n), worker: '1' });
    }
    await Promise.all([two.close(), three.close()]);
    // What it has taken it writes.
    await end();
    const all = Array.from({ length: 500 }, (_, n) => `turn-${n}`);
    for (const worker of ['1', '2', '3']) expect(ons(told(worker))).toEqual(all);
    expect(told('2')[0]).toMatchObject({ at: expect.any(String), ...entry(0), worker: '2' });
    expect(await verifyTrail([path], { key })).toMatchObject({ fault: undefined, notes: [] });
  });

  it('cannot be written while its writer is away; what is noted waits, and is written when that is back', async () => {
    const { path, key, write, tell, told, said } = await place();
    const trail = tell('2');
    trail.note(entry(1));
    expect(trail.state).toMatchObject({ isWritable: false, lost: 0 });
    expect(trail.state.waitingBytes).toBeGreaterThan(0);
    const first = await write();
    await trail.ready(20_000);
    expect(trail.state.isWritable).toBe(true);
    await vi.waitFor(() => expect(trail.state.waitingBytes).toBe(0), PATIENCE);
    await first.end();
    await vi.waitFor(() => expect(trail.state.isWritable).toBe(false), PATIENCE);
    trail.note(entry(2));
    const second = await write();
    await vi.waitFor(() => expect(trail.state).toMatchObject({ isWritable: true, waitingBytes: 0 }), PATIENCE);
    expect(ons(told())).toEqual(['turn-1', 'turn-2']);
    expect(said).toEqual(['found, without 0', 'lost', 'found, without 0']);
    await trail.close();
    await second.end();
    expect(await verifyTrail([path], { key })).toMatchObject({ fault: undefined });
  });

  it('keeps no more than has room meanwhile, and tells what is missing', async () => {
    const { write, tell, told } = await place();
    const trail = tell('2', { maxWaiting: 2_000 });
    for (let n = 0; n < 100; n += 1) trail.note(entry(n));
    const { lost, waitingBytes } = trail.state;
    expect(lost).toBeGreaterThan(50);
    expect(waitingBytes).toBeLessThan(2_500);
    await write();
    await vi.waitFor(() => expect(trail.state).toMatchObject({ isWritable: true, waitingBytes: 0 }), PATIENCE);
    const records = told();
    expect(records.at(-1)).toMatchObject({ what: 'audit.gap', worker: '2', data: { lost } });
    expect(records.length + lost).toBe(101);
  });

  it('is told anew what it may not have, and has it once', async () => {
    const { socket, write, tell, told } = await place();
    await write();
    const trail = tell('2');
    await trail.ready(20_000);
    for (let n = 0; n < 50; n += 1) trail.note(entry(n));
    await vi.waitFor(() => expect(trail.state.waitingBytes).toBe(0), PATIENCE);
    // The same life, which does not know that it was heard.
    const again = tell('2');
    for (let n = 0; n < 51; n += 1) again.note(entry(n));
    await vi.waitFor(() => expect(again.state.waitingBytes).toBe(0), PATIENCE);
    expect(told()).toHaveLength(51);
    expect(socket).toBeTruthy();
  });

  it('says what it could not tell when it is closed', async () => {
    const { tell, said } = await place();
    const trail = tell('2');
    trail.note(entry(1));
    await trail.close();
    expect(said).toEqual(['abandoned 1']);
    trail.note(entry(2));
    expect(trail.state.isWritable).toBe(false);
  });

  it('leaves its writer for good when it is closed', async () => {
    const { socket, tell } = await place();
    let left = Promise.resolve();
    const server = createServer((end) => {
      end.on('error', () => {});
      left = new Promise((resolve) => end.once('close', () => resolve()));
      end.write('{"isWritable":true}\n');
      end.resume();
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    onTestFinished(() => void server.close());
    const trail = tell('2');
    await trail.ready(20_000);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await trail.close();
    await left;
    // It would be tried again after a while.
    expect(vi.getTimerCount()).toBe(0);
  });

  it('cannot be written where its writer is there, and hangs', async () => {
    const { socket, tell } = await place();
    const server = createServer((end) => {
      end.on('error', () => {});
      onTestFinished(() => void end.destroy());
      end.write('{"isWritable":true}\n');
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    onTestFinished(() => void server.close());
    const trail = tell('2');
    await trail.ready(20_000);
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    trail.note(entry(1));
    vi.advanceTimersByTime(5_000);
    expect(trail.state.isWritable).toBe(true);
    vi.advanceTimersByTime(1);
    expect(trail.state.isWritable).toBe(false);
  });

  it('takes nothing that is no trail’s writer for one', async () => {
    const { socket, tell } = await place();
    const server = createServer((end) => {
      end.on('error', () => {});
      end.write('who are you?\n');
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    onTestFinished(() => void server.close());
    const trail = tell('2');
    await vi.waitFor(() => expect(trail.state.failures).toBeGreaterThan(1), PATIENCE);
    expect(trail.state.isWritable).toBe(false);
  });
});
