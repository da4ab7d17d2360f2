import type { BrokerState } from '../broker-state.ts';
import { askAgent } from './ask-agent.ts';
import { type MeetingHead, type MeetingText, textOf } from './meeting-store.ts';

/**
 * Has an agent summarize a meeting, in a chat of the broker's own. `settle` is called once: with null where there is no
 * summary, which is logged. The function that it gives drops it all; nothing is called after that.
 */
export function summarize(
  state: BrokerState,
  head: MeetingHead,
  agentId: string,
  settle: (summary: string | null) => void,
): () => void {
  let isDropped = false;
  let cancel = () => {};
  const end = (summary: string | null) => {
    state.deadlines.disarm(deadline);
    cancel();
    if (!isDropped) settle(summary);
    isDropped = true;
  };
  const fail = (err: unknown) => {
    if (!isDropped) state.log.warn({ err, meeting: head.id, agent: agentId }, 'a meeting got no summary');
    end(null);
  };
  const deadline = state.deadlines.arm(state.limits.summaryTimeoutMs, () => fail(new Error('it took too long')));
  state.meetings.read(head.id).then((lines) => {
    const text = textOf(lines);
    if (isDropped) return;
    if (text.segments.length === 0) {
      end(null);
      return;
    }
    const prompt = promptOf(head, text, state.limits.maxSummarizedBytes);
    cancel = askAgent(state, agentId, prompt, { resolve: end, reject: fail });
  }, fail);
  return () => {
    isDropped = true;
    end(null);
  };
}

/** What the agent is told: who said what, in the order in which it was said. */
function promptOf({ id, title }: MeetingHead, { segments }: MeetingText, limit: number): string {
  const said = segments.map(({ speaker, text }) => (speaker === undefined ? text : `${speaker}: ${text}`)).join('\n');
  return `Summarize this meeting, ${title ?? id}.\n\n${middleOut(said, limit)}`;
}

/** The text, or where it is too long its beginning and its end. @param limit bytes of UTF-8. */
function middleOut(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  const half = Math.floor(limit / 2);
  const whole = (part: Buffer) => part.toString().replaceAll('\uFFFD', '');
  return `${whole(bytes.subarray(0, half))}\n[…]\n${whole(bytes.subarray(bytes.length - half))}`;
}
