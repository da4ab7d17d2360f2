import { describe, expect, it } from 'vitest';
import { Teardown } from '../../daemon/teardown.ts';

function recorded() {
  const done: unknown[] = [];
  const teardown = new Teardown((error) => done.push(error));
  teardown.onExit(() => void done.push('lock'));
  teardown.onExit(() => {
    throw 'fault';
  });
  teardown.onAbruptExit(() => void done.push('unlink'));
  teardown.onStop(async () => void done.push('drain'));
  return { done, teardown };
}

describe('the teardown', () => {
  it('waits for the graceful step, then undoes the rest, whatever fails', async () => {
    const { done, teardown } = recorded();
    await teardown.stop();
    expect(done).toEqual(['drain', 'fault', 'lock']);
  });

  it('undoes without waiting what can be undone so', () => {
    const { done, teardown } = recorded();
    teardown.exitNow();
    expect(done).toEqual(['unlink', 'fault', 'lock']);
  });

  it('undoes each thing once, though a second signal comes in the midst of a stop', async () => {
    const { done, teardown } = recorded();
    const stopped = teardown.stop();
    teardown.exitNow();
    await stopped;
    expect(done).toEqual(['drain', 'unlink', 'fault', 'lock']);
  });

  it('waits for the graceful steps one after another, the last made first, whatever fails', async () => {
    const { done, teardown } = recorded();
    teardown.onStop(() => Promise.reject('lost'));
    teardown.onStop(async () => {
      await Promise.resolve();
      done.push('broker');
    });
    await teardown.stop();
    expect(done).toEqual(['broker', 'lost', 'drain', 'fault', 'lock']);
  });

  it('runs a graceful step, too, that comes while it stops', async () => {
    const { done, teardown } = recorded();
    teardown.onStop(async () => {
      teardown.onStop(() => void done.push('late'));
      done.push('broker');
    });
    await teardown.stop();
    expect(done).toEqual(['broker', 'late', 'drain', 'fault', 'lock']);
  });
});
