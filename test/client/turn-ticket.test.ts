import { expect, it } from 'vitest';
import type { Peer } from '../../client/peer.ts';
import { KeptBytes, TurnLine } from '../../client/turn-line.ts';

/* What an agent keeps of a turn with a ticket, which its broker has already. */

const MIB = 1024 * 1024;

function start(kept = new KeptBytes()) {
  const connect = () => {
    const sent: Record<string, unknown>[] = [];
    const notify = (_method: string, params: object) => sent.push({ ...params }) > 0;
    return { sent, peer: { notify, json: JSON, bufferedAmount: 0 } as unknown as Peer };
  };
  const overflowed = { times: 0 };
  const line = new TurnLine(
    connect().peer,
    's',
    't',
    kept,
    () => {
      overflowed.times += 1;
    },
    'sbt_x',
  );
  const token = (delta: string) => line.send({ kind: 'token', delta, session_id: 's', turn_id: 't' });
  return { line, token, connect, kept, overflowed };
}

it('a line with a ticket › keeps what has arrived, and sends all of it to a broker that has nothing', () => {
  const { line, token, connect, kept } = start();
  for (const delta of ['a', 'b', 'c']) token(delta);
  line.received(2);
  expect(line.claim).toEqual({ turn_id: 't', session_id: 's', next: 4, kept_from: 1, ticket: 'sbt_x' });
  line.away();
  const next = connect();
  line.back(next.peer, 0, 0);
  expect(next.sent.map(({ aseq, delta }) => `${aseq} ${delta}`)).toEqual(['1 a', '2 b', '3 c']);
  line.received(3);
  line.release(3);
  expect(line.isEmpty).toBe(true);
  expect([kept.bytes, kept.held]).toEqual([0, 0]);
});

it('a line with a ticket › of which the broker has everything › is never full', () => {
  const { line, token } = start();
  token('x'.repeat(5 * MIB));
  expect(line.isFull).toBe(true);
  line.received(1);
  expect(line.isFull).toBe(false);
  token('y'.repeat(3 * MIB));
  line.received(2);
  expect(line.isFull).toBe(false);
});

it('a line with a ticket › of more than 4 MiB › has text for the oldest, from the first letter on', () => {
  const { line, token, connect } = start();
  for (const mark of ['a', 'b', 'c']) {
    token(mark.repeat(1.8 * MIB));
    line.received((line.claim.next as number) - 1);
  }
  const { kept_from, text, text_from, ticket } = line.claim;
  expect([kept_from, text?.slice(0, 1), text?.length, text_from, ticket]).toEqual([
    2,
    'a',
    Math.floor(1.8 * MIB),
    0,
    'sbt_x',
  ]);
  expect(line.shortClaim).toEqual({ turn_id: 't', session_id: 's', next: 4, kept_from: 2 });
  // A new broker has taken the text, and says so.
  const next = connect();
  line.back(next.peer, 1, 0);
  expect(next.sent.map(({ aseq }) => aseq)).toEqual([2, 3]);
});

it('a line with a ticket › that grew too long for that › goes on at its own broker, and is not given up', () => {
  const { line, token, kept, overflowed } = start();
  for (let n = 1; n <= 12; n += 1) {
    token('x'.repeat(MIB));
    line.received(n);
  }
  expect(line.claim).toEqual({ turn_id: 't', session_id: 's', next: 13, kept_from: 13 });
  token('y');
  line.received(13);
  expect(line.isEmpty).toBe(true);
  expect(overflowed.times).toBe(0);
  expect([kept.bytes, kept.held]).toEqual([0, 0]);
});

it('a line with a ticket › never lets its end go', () => {
  const { line, token, connect } = start();
  token('a');
  line.send({ kind: 'done', session_id: 's', turn_id: 't', finish_reason: 'stop', text: 'x'.repeat(5 * MIB) });
  line.received(2);
  expect(line.claim).toMatchObject({ next: 3, kept_from: 2, text: 'a', text_from: 0, ticket: 'sbt_x' });
  const next = connect();
  line.back(next.peer, 1, 0);
  expect(next.sent.map(({ kind }) => kind)).toEqual(['done']);
});

it('lines with tickets › keep 64 MiB in all of what has arrived, and whoever adds to that gives its own up', () => {
  const kept = new KeptBytes();
  const lines = Array.from({ length: 20 }, () => start(kept));
  for (const { line, token } of lines) {
    token('x'.repeat(3.9 * MIB));
    line.received(1);
  }
  expect(kept.held).toBeLessThanOrEqual(64 * MIB);
  expect(kept.bytes).toBe(0);
  expect(lines.filter(({ line }) => line.claim.ticket !== undefined)).toHaveLength(16);
  expect(lines.some(({ line }) => line.isFull)).toBe(false);
});
