import fc from 'fast-check';
import type { Turn } from '../../client/node.ts';

/** One thing that an agent does. */
export type Deed =
  | { do: 'event'; kind: string; [field: string]: unknown }
  /** Calls a tool of the window's. */
  | { do: 'call'; at: number }
  /** Asks a person. */
  | { do: 'ask' }
  /** Does both at once. */
  | { do: 'both' }
  /** Waits until its window was loaded anew. */
  | { do: 'reload' };

const id = fc.constantFrom('1', '2', '3', undefined);
const words = fc.constantFrom('a', 'b ', '', '\n', '"', 'é😀', '\u2028');
const event = (kind: string, fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Deed> =>
  fc.record({ do: fc.constant('event' as const), kind: fc.constant(kind), ...fields }) as fc.Arbitrary<Deed>;

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: event('token', { delta: words }) },
  { weight: 3, arbitrary: event('reasoning', { delta: words }) },
  {
    weight: 3,
    arbitrary: event('tool_call', { call_id: id, tool: fc.constantFrom('x', 'y'), params: fc.constant({}) }),
  },
  {
    weight: 3,
    arbitrary: event('tool_result', {
      call_id: id,
      tool: fc.constantFrom('x', 'y'),
      ok: fc.boolean(),
      evidence: fc.constantFrom({ n: 1 }, 'text', 5, undefined),
    }),
  },
  { weight: 1, arbitrary: event('usage', { input_tokens: fc.nat(9) }) },
  { weight: 1, arbitrary: event('todos', { todos: fc.constant([{ content: 'c', status: 'pending' }]) }) },
  { weight: 1, arbitrary: event('notice', { severity: fc.constant('info'), title: words }) },
  {
    weight: 1,
    arbitrary: event('content', {
      content: fc.constantFrom<object[]>(
        { type: 'image', mimeType: 'image/png', data: 'AA==' },
        { type: 'data', data: [1] },
        { type: 'image' },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: event('approval_resolved', { approval_id: fc.constant('none'), resolution: fc.constant('deny') }),
  },
  { weight: 1, arbitrary: event('acp.mode', { mode: fc.constant({ deep: [null] }) }) },
  { weight: 1, arbitrary: event('inference_started', {}) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('call' as const), at: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'ask' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'both' as const }) },
);

const end: fc.Arbitrary<Deed> = fc.oneof(
  event('done', { finish_reason: fc.constantFrom('stop', 'length', 'refusal', 'max_turns', 'cancelled', 'other') }),
  event('error', { error: fc.constant('it broke'), code: fc.constantFrom('agent_error', undefined) }),
  event('auth_required', { reason: fc.constant('agent'), message: fc.constant('log in') }),
);

/** What an agent does in one turn, from its first event to its last. */
export const histories = (more: fc.Arbitrary<Deed>[] = []): fc.Arbitrary<Deed[]> =>
  fc
    .tuple(
      fc.array(fc.oneof({ weight: 24, arbitrary: deed }, ...more.map((arbitrary) => ({ weight: 2, arbitrary }))), {
        maxLength: 16,
      }),
      end,
    )
    .map(([deeds, last]) => [...deeds, last]);

/** Does them. */
export async function play(
  turn: Turn,
  deeds: readonly Deed[],
  reload: () => Promise<void> = async () => {},
): Promise<void> {
  const call = (at: number) => turn.tools.call('clock', { at }).catch(() => {});
  const ask = () => turn.requestApproval({ tool: 'rm', params: {} });
  for (const { do: what, ...deed } of deeds) {
    if (what === 'event') turn.event(deed as { kind: string });
    else if (what === 'call') await call((deed as { at: number }).at);
    else if (what === 'ask') await ask();
    else if (what === 'both') await Promise.all([call(1), ask()]);
    else await reload();
  }
}

/** The text of an answer. */
export const textOf = (deeds: readonly Deed[]): string =>
  deeds.map((one) => (one.do === 'event' && one.kind === 'token' ? String(one.delta) : '')).join('');

/** How it ends. */
export const endOf = (deeds: readonly Deed[]) => deeds.at(-1) as Deed & { do: 'event'; finish_reason?: string };
