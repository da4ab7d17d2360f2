import { type MeetingHead, ownerOf } from './meeting-store.ts';

/** A meeting that is kept. */
export interface Kept {
  readonly head: MeetingHead;
  /** Of one that no agent held, the connection that did; empty for one from before the start. */
  readonly clientId: string;
  /** It is over, and may go. */
  readonly isFree: boolean;
}

/** By how much there is too much. */
export interface Excess {
  meetings: number;
  bytes: number;
}

/**
 * Which meetings make room for others. First those in which nothing was said; then whoever has most loses what began
 * first, so that nobody can have another's deleted by holding many. Whoever: the tenant that has most, in it the principal,
 * be it an agent, and of the connections of one that is none the one that has most.
 * @param kept - all of them, the oldest first.
 */
export function chooseVictims(kept: readonly Kept[], excess: Readonly<Excess>): MeetingHead[] {
  const victims = new Set<MeetingHead>();
  const left = { ...excess };
  const take = (measure: keyof Excess, mayGo: (head: MeetingHead) => boolean) => {
    if (left[measure] <= 0) return;
    const rest = kept.filter(({ head }) => !victims.has(head));
    const holders = holdersOf(rest, ({ head, isFree }) => isFree && mayGo(head));
    while (left[measure] > 0) {
      const head = oldestOfLargest(holders, measure);
      if (!head) return;
      victims.add(head);
      left.meetings -= 1;
      left.bytes -= head.bytes;
    }
  };
  // Hardly anybody will look for one without a word and without a name.
  take('meetings', ({ bytes, title }) => bytes === 0 && title === null);
  take('meetings', () => true);
  take('bytes', ({ bytes }) => bytes > 0);
  return [...victims];
}

/** What somebody has, and those among whom it is divided. */
class Holder {
  readonly members = new Map<string, Holder>();
  /** What may go, the oldest first. */
  readonly queue: MeetingHead[] = [];
  meetings = 0;
  bytes = 0;
  /** How many may go. */
  free = 0;

  member(key: string): Holder {
    const known = this.members.get(key);
    if (known) return known;
    const made = new Holder();
    this.members.set(key, made);
    return made;
  }
}

function holdersOf(kept: readonly Kept[], mayGo: (one: Kept) => boolean): Holder {
  const all = new Holder();
  for (const one of kept) {
    const { head, clientId } = one;
    const isFree = mayGo(one);
    const owner = ownerOf(head);
    const tenant = all.member(owner.tenant);
    const holder = tenant.member(owner.sub);
    const member = holder.member(head.agent_id === null ? clientId : '');
    for (const each of [tenant, holder, member]) {
      each.meetings += 1;
      each.bytes += head.bytes;
      if (isFree) each.free += 1;
    }
    if (isFree) member.queue.push(head);
  }
  return all;
}

function oldestOfLargest(all: Holder, measure: keyof Excess): MeetingHead | undefined {
  const tenant = largest(all.members.values(), measure);
  const holder = tenant && largest(tenant.members.values(), measure);
  const member = holder && largest(holder.members.values(), measure);
  const head = member?.queue.shift();
  if (!tenant || !holder || !member || !head) return undefined;
  for (const each of [tenant, holder, member]) {
    each.meetings -= 1;
    each.bytes -= head.bytes;
    each.free -= 1;
  }
  return head;
}

/** Who has most, and can lose something. */
function largest(holders: Iterable<Holder>, measure: keyof Excess): Holder | undefined {
  let most: Holder | undefined;
  for (const holder of holders) {
    if (holder.free > 0 && (!most || holder[measure] > most[measure])) most = holder;
  }
  return most;
}
