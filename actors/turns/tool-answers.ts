import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { RelayedAnswer } from '../requests/reply.ts';
import type { Turn } from './turn-record.ts';

/** A tool's answer that nobody was there to hear, and what lets go of its room. */
export interface KeptAnswer {
  readonly tool: string;
  readonly answer: RelayedAnswer;
  release(): void;
}

/** Who is to hear a tool's answer: the agent's connection that asked last. */
export interface ToolCaller {
  client: Client;
  id: RpcId | undefined;
}

/** Keeps the answer of a call for an agent that is away, and will ask again by the same `action_id`; where there is room. */
export function keepAnswer(
  kernel: Kernel,
  turn: Turn,
  call: { host: Client; tool: string; actionId: string },
  answer: RelayedAnswer,
): void {
  const { host, tool, actionId } = call;
  // What the broker itself has to say of it is no answer of the tool's.
  if ('error' in answer && answer.error instanceof WireError) return;
  if (!turn.line || turn.isEnding || actionId === '' || turn.toolAnswers.size >= kernel.limits.maxPendingTools) return;
  try {
    turn.toolAnswers.get(actionId)?.release();
    turn.toolAnswers.set(actionId, { tool, answer, release: kernel.held.hold(host, answer) });
  } catch {
    // Its host is asked again, as by any agent that repeats a call.
  }
}

/** The answer to a call that is asked for again. It is kept no longer. */
export function takeAnswer(turn: Turn, actionId: string, tool: string): RelayedAnswer | undefined {
  const kept = actionId === '' ? undefined : turn.toolAnswers.get(actionId);
  if (kept?.tool !== tool) return undefined;
  kept.release();
  turn.toolAnswers.delete(actionId);
  return kept.answer;
}

/** Nobody will ask for them any more. */
export function forgetAnswers({ toolAnswers }: Turn): void {
  for (const kept of toolAnswers.values()) kept.release();
  toolAnswers.clear();
}
