import { visibleLine } from '../../protocol/visible.ts';
import { count } from '../format.ts';
import type { Message, MessageLog, Party } from './message-log.ts';
import type { WatchedActor } from './model.ts';

/** One lifeline. */
export interface Lifeline {
  readonly party: Party;
  readonly title: string;
  /** Which one it is. */
  readonly detail: string;
}

/** One arrow: from a lifeline to a lifeline, by their places. */
export interface Arrow {
  readonly message: Message;
  /** Absent: a timer, or the socket, brought it. */
  readonly from: number | undefined;
  readonly to: number;
  readonly label: string;
  /** Milliseconds since the first message. */
  readonly after: number;
}

/** A turn's conversation, from left to right and from top to bottom. */
export interface Sequence {
  readonly lifelines: readonly Lifeline[];
  readonly arrows: readonly Arrow[];
  /** Messages that were left out. */
  readonly forgotten: number;
  /** See {@link MessageLog}. */
  readonly isSampled: boolean;
}

const ORDER: readonly Party[] = ['others', 'host', 'broker', 'turn', 'callbacks', 'approvals', 'agent'];
const ALWAYS: ReadonlySet<Party> = new Set<Party>(['host', 'broker', 'turn', 'agent']);

/** Makes the sequence of one turn. Whoever took no part, beyond the four who always do, has no lifeline. */
export function sequenceOf(log: MessageLog, turn: WatchedActor): Sequence {
  const involved = new Set(log.messages.flatMap(({ fromParty, toParty }) => [fromParty, toParty]));
  const parties = ORDER.filter((party) => ALWAYS.has(party) || involved.has(party));
  const start = log.messages[0]?.at ?? 0;
  return {
    lifelines: parties.map((party) => ({ party, title: party, detail: detailOf(party, turn) })),
    arrows: log.messages.map((message) => ({
      message,
      from: message.fromParty === undefined ? undefined : parties.indexOf(message.fromParty),
      to: parties.indexOf(message.toParty),
      label: message.count > 1 ? `${visibleLine(message.name)} ×${count(message.count)}` : visibleLine(message.name),
      after: message.at - start,
    })),
    forgotten: log.forgotten,
    isSampled: log.isSampled,
  };
}

function detailOf(party: Party, { name, context }: WatchedActor): string {
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
