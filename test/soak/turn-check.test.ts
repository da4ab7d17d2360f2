import { describe, expect, it } from 'vitest';
import { pieceOf, TurnCheck, wholeOf } from '../../soak/load/turn-check.ts';

const piece = (index: number, nonce = '0-1') => pieceOf(nonce, index, 1_000, 'xx');
const token = (seq: number, index = seq - 1, nonce?: string) => ({ kind: 'token', seq, delta: piece(index, nonce) });
const gate = (what: string) => ({ kind: `gate_${what}`, approval_id: 'g', synthesized: true });
const done = (seq: number, count: number) => ({
  kind: 'done',
  seq,
  finish_reason: 'stop',
  text: wholeOf('0-1', count),
});

/** What is wrong with the first of these events that is wrong. */
function breachOf(events: object[], endings = { cancelled: false, codes: new Set(['agent_replaced']) }) {
  const check = new TurnCheck('0-1', endings);
  for (const event of events) {
    const breach = check.event(event);
    if (breach !== undefined) return breach;
  }
  return undefined;
}

describe('the judge of what the soak hears of one turn', () => {
  it('accepts a whole turn', () => {
    const approval = { kind: 'approval_pending', seq: 2, at: 1 };
    expect(breachOf([token(1, 0), approval, token(3, 1), done(4, 2)])).toBeUndefined();
  });

  it('accepts neighbours that were merged', () => {
    const merged = { kind: 'token', seq_from: 1, seq: 3, delta: piece(0) + piece(1) + piece(2) };
    expect(breachOf([merged, done(4, 3)])).toBeUndefined();
  });

  it('accepts what the broker says of the gate, which has no number', () => {
    expect(breachOf([token(1), gate('pending'), token(2), gate('resolved'), done(3, 2)])).toBeUndefined();
  });

  it("accepts the broker's own error where it may come", () => {
    expect(breachOf([token(1), { kind: 'error', seq: 2, code: 'agent_replaced', synthesized: true }])).toBeUndefined();
  });

  it.each([
    ['twice the same event', [token(1), token(1, 0)]],
    ['a missing event', [token(1), token(3)]],
    ['a missing piece', [token(1), token(2, 2)]],
    ['a piece twice', [token(1), token(2, 0)]],
    ['a piece of another turn', [token(1, 0, '0-2')]],
    ['half a piece', [{ kind: 'token', seq: 1, delta: piece(0).slice(0, -1) }]],
    ['a merged event that lacks a piece', [{ kind: 'token', seq_from: 1, seq: 3, delta: piece(0) + piece(1) }]],
    ['an event before text that it came after', [token(1), { kind: 'approval_pending', seq: 2, at: 2 }]],
    ['a gate with a number', [{ ...gate('pending'), seq: 1 }]],
    ["a gate that is an agent's own word", [{ ...gate('pending'), synthesized: undefined }]],
    ['twice the same gate', [gate('pending'), gate('pending')]],
    ['a gate that is settled and was never closed', [gate('resolved')]],
    ['a gate after the terminal', [done(1, 0), gate('pending')]],
    ['an end before a gate is settled', [gate('pending'), done(1, 0)]],
    ['a second terminal', [done(1, 0), done(2, 0)]],
    ['an event after the terminal', [done(1, 0), token(2, 0)]],
    ['an end before all was there', [token(1), done(2, 2)]],
    ['a cancel that nobody asked for', [{ kind: 'done', seq: 1, finish_reason: 'cancelled', synthesized: true }]],
    ['an error for no reason', [{ kind: 'error', seq: 1, code: 'stale', synthesized: true }]],
    ["an agent's own error", [{ kind: 'error', seq: 1, code: 'agent_replaced', error: 'x' }]],
  ])('refuses %s', (_, events) => {
    expect(breachOf(events)).toBeTypeOf('string');
  });
});
