import { toWireError } from '../kernel/wire-errors.ts';
import { type Call, DISPATCHER } from '../requests/dispatcher.ts';
import type { Answer } from '../requests/reply.ts';
import { reply } from '../requests/reply.ts';
import type { GuestAnswer } from './extension-record.ts';
import { mergedAnswer } from './merged.ts';

type AnyCall = Call<unknown>;

/** How long a list waits for the other brokers. Milliseconds. */
const LIST_MS = 2_000;

/** Asks one other broker. @throws {WireError} where it cannot be asked now */
export type AskPeer = (call: AnyCall, method: string, peer: string, settle: (answer: GuestAnswer) => void) => void;

/**
 * Asks several brokers the same, in the connection's name. Who cannot be asked, refuses, or does not answer in time is left out.
 * @param done - called once, with what was answered
 */
export function askEach(
  call: AnyCall,
  method: string,
  peers: readonly string[],
  ask: AskPeer,
  done: (results: unknown[]) => void,
): void {
  const { deadlines } = call.kernel;
  const results: unknown[] = [];
  let left = peers.length;
  let isOver = false;
  const finish = () => {
    if (isOver) return;
    isOver = true;
    deadlines.disarm(deadline);
    done(results);
  };
  const deadline = deadlines.arm(LIST_MS, finish);
  const settled = () => {
    left -= 1;
    if (left <= 0) finish();
  };
  if (peers.length === 0) finish();
  for (const peer of peers) {
    try {
      ask(call, method, peer, (answer) => {
        if ('result' in answer) results.push(answer.result);
        settled();
      });
    } catch {
      settled();
    }
  }
}

/** Everybody's rows as one list: of those that can be reached. What is wrong with the request this broker says itself. */
export function listOfAll(call: AnyCall, method: string, peers: readonly string[], ask: AskPeer): void {
  const { kernel, from, id, params } = call;
  kernel.get(DISPATCHER).carryOutHere(call, method, (own) => {
    if ('error' in own) {
      reply(kernel, from, id, own);
      return;
    }
    askEach(call, method, peers, ask, (others) => {
      let answer: Answer;
      try {
        answer = { result: mergedAnswer(method, [own.result, ...others], params) };
      } catch (error) {
        answer = { error: toWireError(kernel, method, error) };
      }
      reply(kernel, from, id, answer);
    });
  });
}

/** What a snapshot shows of other brokers, by the method that says it. */
const SHOWN = ['host.approvals', 'host.agents'] as const;
/** So often the others are asked anew because something has changed meanwhile. */
const MOST_ROUNDS = 5;

/**
 * A snapshot of all brokers: first the others are asked, then this one says all of it and how far its events go. What has come of
 * another in between is in the events before that, and would be in none of the rows: then they are asked again.
 * @param changes - grows with every event of another broker that changes what is shown
 */
export function snapshotOfAll(
  call: AnyCall,
  method: string,
  peers: () => readonly string[],
  ask: AskPeer,
  changes: () => number,
  rounds = 1,
): void {
  const { kernel, from, id } = call;
  const others: Record<string, readonly unknown[]> = {};
  const before = changes();
  let left = SHOWN.length;
  for (const shown of SHOWN)
    askEach({ ...call, params: {} }, shown, peers(), ask, (results) => {
      others[shown] = results;
      left -= 1;
      if (left > 0 || !from.isOpen) return;
      if (changes() !== before && rounds < MOST_ROUNDS) snapshotOfAll(call, method, peers, ask, changes, rounds + 1);
      else kernel.get(DISPATCHER).carryOutHere({ ...call, others }, method, (own) => reply(kernel, from, id, own));
    });
}
