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
