import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LinkedClient, settle } from '../../support/linked.ts';
import { startResumable } from '../../support/resume-scene.ts';

/* Whatever is said, lost and taken up in between: who was the host, one after another, has got everything once. */

type Step =
  | { do: 'token' | 'odd' | 'mood'; size: number }
  | { do: 'ask' | 'answer'; id: string }
  | { do: 'watch'; known: number }
  /** The host goes, or does not; `tokens` later another comes. `known`: how far back it asks. */
  | { do: 'lose' | 'take over'; tokens: number; known: number };

const size = fc.nat(40);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('token' as const, 'odd' as const, 'mood' as const), size }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('ask' as const, 'answer' as const), id: fc.constantFrom('a', 'b') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('lose' as const, 'take over' as const),
      tokens: fc.nat(3),
      known: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('watch' as const), known: fc.nat(20) }) },
) satisfies fc.Arbitrary<Step>;

/** What a client knows of the turn: every `seq` it has, and the text so far. */
class Reader {
  readonly seqs: number[] = [];
  text = '';
  #read = 0;
  readonly client: LinkedClient;

  constructor(client: LinkedClient) {
    this.client = client;
  }

  /** Reads on; a text that stands for what is lost replaces what was known. */
  read(): void {
    for (const frame of this.client.frames.slice(this.#read)) {
      const { result, params, method } = frame;
      if (result?.recovered === false) {
        this.text = result.text;
        this.seqs.push(...Array.from({ length: result.head - this.last }, (_, n) => this.last + 1 + n));
      }
      if (method !== 'agents.chat.event') continue;
      this.seqs.push(params.seq);
      if (params.kind === 'token') this.text += params.delta;
    }
    this.#read = this.client.frames.length;
  }

  get last(): number {
    return this.seqs.at(-1) ?? 0;
  }
}

test.each([
  ['an ample log', 4 * 1024 * 1024],
  ['a log that is always full', 500],
])(
  'a turn › when its hosts come and go at random, over %s › then no event is missing and none comes twice',
  async (_what, maxLogBytes) => {
    await fc.assert(
      fc.asyncProperty(fc.array<Step>(step, { maxLength: 40 }), async (steps) => {
        const scene = await startResumable({ limits: { maxLogBytes } });
        const sent: { text: string; seq: number }[] = [];
        const say = (event: { kind: string; delta?: string; [field: string]: unknown }) => {
          scene.agent.emit('s', event);
          const before = sent.at(-1) ?? { text: '', seq: 0 };
          sent.push({ text: before.text + (event.delta ?? ''), seq: before.seq + 1 });
        };
        const textAt = (seq: number) => (seq === 0 ? '' : sent[seq - 1]?.text);
        const token = (length: number, more = {}) =>
          say({ kind: 'token', delta: `<${sent.length}${'.'.repeat(length)}>`, ...more });
        let host = new Reader(scene.host);
        const readers = [host];
        const join = async (from: Reader, known: number, role: string) => {
          from.read();
          const reader = new Reader(await scene.linked.host());
          const after = Math.max(0, from.last - known);
          reader.text = textAt(after) ?? '';
          reader.seqs.push(...Array.from({ length: after }, (_, n) => n + 1));
          reader.client.post('agents.chat.subscribe', { ...scene.claim(), after, role });
          return reader;
        };
        for (const each of steps) {
          if (each.do === 'token') token(each.size);
          else if (each.do === 'odd') token(each.size, { logprob: -1 });
          else if (each.do === 'mood') say({ kind: 'mood' });
          else if (each.do === 'ask') {
            say({ kind: 'approval_pending', approval_id: each.id, action: 'x' });
          } else if (each.do === 'answer') {
            say({ kind: 'approval_resolved', approval_id: each.id, resolution: 'approve' });
          } else if (each.do === 'watch') readers.push(await join(host, each.known, 'observer'));
          else if (each.do === 'lose' || each.do === 'take over') {
            if (each.do === 'lose') host.client.close();
            for (let n = 0; n < each.tokens; n += 1) token(1);
            const next = await join(host, each.known, 'controller');
            token(0);
            await settle();
            host.read();
            // The one before heard a part, without a gap, and no more from here on.
            readers.splice(readers.indexOf(host), 1);
            expect(host.seqs).toEqual(Array.from({ length: host.last }, (_, n) => n + 1));
            host = next;
            readers.push(host);
          }
        }
        say({ kind: 'done', finish_reason: 'stop' });
        await settle();
        const total = sent.length;
        for (const reader of readers) {
          reader.read();
          expect(reader.seqs).toEqual(Array.from({ length: total }, (_, n) => n + 1));
          expect(reader.text).toBe(textAt(total));
        }
      }),
      { numRuns: 150 },
    );
  },
  60_000,
);
