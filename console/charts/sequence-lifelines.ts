import type { Party } from './message-log.ts';
import type { WatchedActor } from './model.ts';

/** What is to be known of a turn: who takes part in it. */
export type TurnFacts = Pick<WatchedActor, 'name' | 'context'>;

/** One lifeline. */
export interface Lifeline {
  readonly party: Party;
  readonly title: string;
  /** Which one it is. */
  readonly detail: string;
}

const ORDER: readonly Party[] = ['others', 'host', 'broker', 'turn', 'callbacks', 'approvals', 'agent'];
const ALWAYS_INSIDE: ReadonlySet<Party> = new Set<Party>(['host', 'broker', 'turn', 'agent']);
const ALWAYS: ReadonlySet<Party> = new Set<Party>(['host', 'agent']);

/** Who has a lifeline, from left to right: those who take part, and those who always do. */
export function lifelinesOf(
  arrows: readonly { readonly from: Party | undefined; readonly to: Party }[],
  turn: TurnFacts,
  inside: boolean,
): Lifeline[] {
  const involved = new Set<Party | undefined>(inside ? ALWAYS_INSIDE : ALWAYS);
  for (const { from, to } of arrows) involved.add(from).add(to);
  return ORDER.filter((party) => involved.has(party)).map((party) => {
    return { party, title: party, detail: detailOf(party, turn) };
  });
}

function detailOf(party: Party, { name, context }: TurnFacts): string {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  switch (party) {
    case 'host':
      return text(context.host);
    case 'turn':
      return name;
    case 'agent':
      return text(context.agent_id);
    default:
      return '';
  }
}
