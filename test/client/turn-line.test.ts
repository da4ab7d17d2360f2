import { expect, it } from 'vitest';
import type { Peer } from '../../client/peer.ts';
import { KeptBytes, TurnLine } from '../../client/turn-line.ts';

/* What a turn of an agent keeps until the broker has it. */

const MIB = 1024 * 1024;

/** A line over a connection that writes down what was sent. */
function start(kept = new KeptBytes()) {
  const connect = () => {
    const sent: Record<string, unknown>[] = [];
    const notify = (_method: string, params: object) => sent.push({ ...params }) > 0;
    return { sent, peer: { notify, json: JSON, bufferedAmount: 7 } as unknown as Peer };
  };
  const first = connect();
  let overflows = 0;
  const line = new TurnLine(first.peer, 's', 't', kept, () => {
    overflows += 1;
  });
  const token = (delta: string) => line.send({ kind: 'token', delta, session_id: 's', turn_id: 't' });
  return { line, token, sent: first.sent, connect, kept, overflows: () => overflows };
}
const short = (sent: Record<string, unknown>[]) => sent.map(({ aseq, delta, kind }) => `${aseq} ${delta ?? kind}`);

it('a line › numbers what it sends, and keeps it until it is released', () => {
  const { line, token, sent, kept } = start();
  for (const delta of ['a', 'b', 'c']) token(delta);
  expect(short(sent)).toEqual(['1 a', '2 b', '3 c']);
  expect(line.isEmpty).toBe(false);
  line.release(2);
  expect(line.claim).toEqual({ turn_id: 't', session_id: 's', next: 4, kept_from: 3 });
  line.release(3);
  expect(line.isEmpty).toBe(true);
  expect(kept.bytes).toBe(0);
});

it('a line › while it is away › sends nothing, and all that is missing when it is back', () => {
  const { line, token, sent, connect } = start();
  token('a');
  token('b');
  line.away();
  line.send({ kind: 'mood', session_id: 's', turn_id: 't', parts: [1] });
  token('c');
  expect(sent).toHaveLength(2);
  expect(line.bufferedAmount).toBe(0);
  const next = connect();
  line.back(next.peer, 1, 1);
  expect(next.sent).toEqual([
    { kind: 'token', session_id: 's', turn_id: 't', aseq: 2, delta: 'b' },
    { kind: 'mood', session_id: 's', turn_id: 't', parts: [1], aseq: 3 },
    { kind: 'token', session_id: 's', turn_id: 't', aseq: 4, delta: 'c' },
  ]);
});

it('a line › that is told to go back › sends all after that event again', () => {
  const { line, token, sent } = start();
  for (const delta of ['a', 'b', 'c']) token(delta);
  line.rewind(1);
  expect(short(sent)).toEqual(['1 a', '2 b', '3 c', '2 b', '3 c']);
});

it('a line › what JSON cannot write › is not kept, and takes no number', () => {
  const { line, token, sent } = start();
  const circular: { kind: string; session_id: string; turn_id: string; self?: unknown } = {
    ...{ kind: 'mood', session_id: 's', turn_id: 't' },
  };
  circular.self = circular;
  expect(() => line.send(circular)).toThrow(TypeError);
  token('a');
  expect(short(sent)).toEqual(['1 a']);
});

it('a line › of more than 4 MiB › is full, until enough is released', async () => {
  const { line, token } = start();
  token('x'.repeat(4 * MIB));
  expect(line.isFull).toBe(true);
  const waiting = line.changed(new AbortController().signal);
  line.release(1);
  await waiting;
  expect(line.isFull).toBe(false);
});

it('a line › that is written to all the same › lets the oldest go, and keeps their text', () => {
  const { line, token, connect } = start();
  line.away();
  for (const mark of ['a', 'b', 'c']) token(mark.repeat(3 * MIB));
  const { kept_from, next, text, text_from } = line.claim;
  expect([kept_from, next, text?.length, text_from]).toEqual([2, 4, 3 * MIB, 0]);
  const again = connect();
  line.back(again.peer, 1, 1);
  expect(again.sent.map(({ aseq }) => aseq)).toEqual([2, 3]);
  expect(line.claim).not.toHaveProperty('text');
});

it('a line › however much others keep, or its end is › keeps its end', () => {
  const { line, token, kept, connect } = start();
  line.away();
  token('a');
  kept.bytes += 200 * MIB;
  line.send({ kind: 'done', session_id: 's', turn_id: 't', finish_reason: 'stop', text: 'x'.repeat(9 * MIB) });
  expect(line.claim).toMatchObject({ next: 3, kept_from: 2, text: 'a', text_from: 0 });
  const next = connect();
  line.back(next.peer, 1, 1);
  expect(short(next.sent)).toEqual(['2 done']);
});

it('a line › whose text is too much as well › is given up, and keeps nothing', () => {
  const { line, token, kept, overflows } = start();
  line.away();
  for (let n = 0; n < 7; n += 1) token('x'.repeat(3 * MIB));
  expect(overflows()).toBe(1);
  expect(line.isKept).toBe(false);
  expect(kept.bytes).toBe(0);
  expect(token('more')).toBe(false);
});

it('lines › of more than 64 MiB in all › are all full', () => {
  const kept = new KeptBytes();
  const lines = Array.from({ length: 20 }, () => start(kept));
  for (const { token } of lines.slice(0, 19)) token('x'.repeat(3.5 * MIB));
  expect(lines.every(({ line }) => line.isFull)).toBe(true);
  for (const { line } of lines) line.close();
  expect(kept.bytes).toBe(0);
});
