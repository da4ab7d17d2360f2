import type { Identity } from '../../machines/connection.machine.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { askAgent } from './ask-agent.ts';
import { type MeetingHead, nameOf, ownerOf } from './meeting-store.ts';
import type { MeetingText } from './meeting-text.ts';
import { MEETINGS } from './meetings.ts';

/** The summaries of a broker. */
export const SUMMARIES = key<Summaries>('summaries');

/**
 * Summaries of meetings that are over: one at a time of each, shared by all who ask for it meanwhile, and kept once. So a
 * record grows by one summary, however often and by whomever it is asked for.
 */
export class Summaries {
  readonly #kernel: Kernel;
  readonly #begun = new Map<MeetingHead, Promise<string | null>>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The meeting's summary: the kept one, or what the agent says; null where there is none. Never rejects. */
  of(head: MeetingHead, agentId: string, mayUse: Identity['mayUse']): Promise<string | null> {
    const begun = this.#begun.get(head);
    if (begun) return begun;
    const summary = new Promise<string | null>((resolve) => {
      summarize(this.#kernel, head, agentId, mayUse, (text, isNew) => {
        this.#begun.delete(head);
        if (text !== null && isNew) this.#kernel.get(MEETINGS).keepSummary(head, text);
        resolve(text);
      });
    });
    this.#begun.set(head, summary);
    return summary;
  }
}

/**
 * Has an agent summarize a meeting, in a chat of the broker's own in the name of the meeting's owner. `mayUse`: which agents
 * exist for whoever wants it. `settle` is called once: with a new summary, with the one that
 * was kept before, or with null where there is none, which is logged. The function that it gives drops it all; nothing is
 * called after that.
 */
export function summarize(
  kernel: Kernel,
  head: MeetingHead,
  agentId: string,
  mayUse: Identity['mayUse'],
  settle: (summary: string | null, isNew: boolean) => void,
): () => void {
  let isOver = false;
  let cancel = () => {};
  const end = (run: () => void) => {
    if (isOver) return;
    isOver = true;
    kernel.deadlines.disarm(deadline);
    cancel();
    run();
  };
  const fail = (err: unknown) =>
    end(() => {
      kernel.log.warn(
        { err, meeting: head.id, tenant: ownerOf(head).tenant, agent: agentId },
        'a meeting got no summary',
      );
      settle(null, false);
    });
  const deadline = kernel.deadlines.arm(kernel.limits.summaryTimeoutMs, () => fail(new Error('it took too long')));
  kernel
    .get(MEETINGS)
    .read(head.id)
    .then((text) => {
      if (isOver) return;
      if (text.summary !== null || text.segments.every(({ text: said }) => said === '')) {
        end(() => settle(text.summary, false));
        return;
      }
      const prompt = promptOf(head, text, kernel.limits.maxSummarizedBytes);
      const asking = { owner: ownerOf(head), mayUse, agentId, prompt };
      cancel = askAgent(kernel, asking, {
        resolve: (summary) => end(() => settle(summary, true)),
        reject: fail,
      });
    })
    .catch(fail);
  return () => end(() => {});
}

/** What the agent is told: who said what, in the order in which it was said. */
function promptOf(head: MeetingHead, { segments }: MeetingText, limit: number): string {
  const said = segments.map(({ speaker, text }) => (speaker === undefined ? text : `${speaker}: ${text}`)).join('\n');
  return `Summarize this meeting, ${head.title ?? nameOf(head)}.\n\n${middleOut(said, limit)}`;
}

/** The text, or where it is too long its beginning and its end. @param limit bytes of UTF-8. */
function middleOut(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  const half = Math.floor(limit / 2);
  const whole = (part: Buffer) => part.toString().replace(/^\uFFFD+|\uFFFD+$/g, '');
  return `${whole(bytes.subarray(0, half))}\n[…]\n${whole(bytes.subarray(bytes.length - half))}`;
}
