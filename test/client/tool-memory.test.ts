import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ToolKey, ToolMemory } from '../../client/tool-memory.ts';
import type { ToolRun } from '../../client/tool-run.ts';

const keyOf = (name: string, sessionId = 's'): ToolKey => ({ sessionId, text: `${sessionId} ${name}` });
/** It is only kept, and given back. */
const run = () => ({}) as ToolRun;

describe('what a host remembers of its tools’ calls', () => {
  const open = new Set<string>();
  let memory: ToolMemory;
  beforeEach(() => {
    vi.useFakeTimers();
    open.clear();
    open.add('s');
    memory = new ToolMemory((sessionId) => open.has(sessionId));
  });
  afterEach(() => {
    memory.clear();
    vi.useRealTimers();
  });

  function call(name: string, size = 1, sessionId = 's'): ToolRun {
    const made = run();
    memory.began(keyOf(name, sessionId), made);
    memory.ended(keyOf(name, sessionId), made, size);
    return made;
  }

  it('is a call that is at work, and for five minutes one that has ended', () => {
    const made = run();
    memory.began(keyOf('a'), made);
    vi.advanceTimersByTime(3_600_000);
    expect(memory.find(keyOf('a'))).toBe(made);
    memory.ended(keyOf('a'), made, 1);
    vi.advanceTimersByTime(299_000);
    expect(memory.find(keyOf('a'))).toBe(made);
    expect(memory.isWhole(keyOf('b'))).toBe(true);
    vi.advanceTimersByTime(2_000);
    expect(memory.find(keyOf('a'))).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not whole once something of the chat was forgotten, until that is over', () => {
    call('a');
    vi.advanceTimersByTime(301_000);
    expect(memory.isWhole(keyOf('b'))).toBe(false);
    open.delete('s');
    open.add('t');
    call('a', 1, 't');
    open.add('s');
    expect(memory.isWhole(keyOf('b'))).toBe(true);
  });

  it('is whole of the next chat in a session, however long ago the one before it has called something', () => {
    call('a');
    const other = call('a', 1, 't');
    open.delete('s');
    memory.keepOnly(new Set(['t']));
    open.add('s');
    vi.advanceTimersByTime(299_000);
    expect(memory.find(keyOf('a', 't'))).toBe(other);
    vi.advanceTimersByTime(2_000);
    expect([memory.find(keyOf('a')), memory.isWhole(keyOf('b'))]).toEqual([undefined, true]);
  });

  it('is not whole of a chat that was not opened here', () => {
    expect(memory.isWhole(keyOf('a', 'elsewhere'))).toBe(false);
  });

  it('is a thousand of them', () => {
    const first = call('first');
    for (let n = 0; n < 999; n++) call(`${n}`);
    expect(memory.find(keyOf('first'))).toBe(first);
    const last = call('last');
    expect(memory.find(keyOf('first'))).toBeUndefined();
    expect(memory.find(keyOf('last'))).toBe(last);
    expect(memory.isWhole(keyOf('first'))).toBe(false);
  });

  it('is 16 MiB of answers, whichever they are', () => {
    call('first', 8 * 1024 * 1024);
    call('second', 7 * 1024 * 1024);
    expect(memory.find(keyOf('first'))).toBeDefined();
    call('third', 2 * 1024 * 1024);
    expect(memory.find(keyOf('first'))).toBeUndefined();
    expect(memory.find(keyOf('second'))).toBeDefined();
    expect(memory.find(keyOf('third'))).toBeDefined();
  });

  it('is the newer one of two with one name, and nothing of one that never ran', () => {
    call('a', 12 * 1024 * 1024);
    const made = call('a', 12 * 1024 * 1024);
    expect(memory.find(keyOf('a'))).toBe(made);
    expect(memory.isWhole(keyOf('b'))).toBe(true);
    const never = run();
    memory.began(keyOf('n'), never);
    memory.ended(keyOf('n'), never, undefined);
    expect(memory.find(keyOf('n'))).toBeUndefined();
    expect(memory.isWhole(keyOf('n'))).toBe(true);
  });
});
