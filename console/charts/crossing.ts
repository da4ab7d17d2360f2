import { isObject } from '../../protocol/json.ts';
import type { ActorsModel, WatchedActor } from './model.ts';
import { field } from './payload.ts';

/** One of those that take part in a turn whose host is at another broker than its agent. */
export interface CrossingPart {
  /** What it is to the turn. */
  readonly part: 'host' | 'extension' | 'guest' | 'turn' | 'agent';
  readonly broker: string;
  /** Undefined where it is not known (any more). */
  readonly actor: WatchedActor | undefined;
}

type Watched = Pick<ActorsModel, 'actors'>;

/**
 * Both sides of a turn that goes from one broker to another, from its host to its agent. Undefined of what has nothing to do
 * with such a one. @param of - the turn, or whatever stands for its host on either side
 */
export function crossingOf(model: Watched, of: WatchedActor): CrossingPart[] | undefined {
  const ends = of.machine === 'turn' ? endsOfTurn(model, of) : endsOf(model, of);
  if (!ends) return undefined;
  const { client, at, peer } = ends;
  const extension = find(model, 'extension', at, (one) => isFrom(one, client, peer));
  const guest = find(model, 'connection', peer, (one) => isGuestOf(one, client, at));
  const turn = of.machine === 'turn' ? of : turnOf(model, extension);
  const parts: CrossingPart[] = [
    { part: 'host', broker: at, actor: find(model, 'connection', at, ({ name }) => name === client) },
    { part: 'extension', broker: at, actor: extension },
    { part: 'guest', broker: peer, actor: guest },
  ];
  if (!turn) return extension || guest ? parts : undefined;
  const agent = find(model, 'connection', peer, ({ name }) => name === field(turn.context, 'agent'));
  return [...parts, { part: 'turn', broker: peer, actor: turn }, { part: 'agent', broker: peer, actor: agent }];
}

/** A connection, the broker that it is at, and the one where somebody stands for it. */
interface Ends {
  client: string;
  at: string;
  peer: string;
}

function endsOfTurn(model: Watched, { context, broker }: WatchedActor): Ends | undefined {
  const host = find(model, 'connection', broker, ({ name }) => name === field(context, 'host'));
  return host && endsOfGuest(host);
}

function endsOf(model: Watched, of: WatchedActor): Ends | undefined {
  if (of.machine === 'extension') return endsOfExtension(of);
  if (of.machine !== 'connection') return undefined;
  if (isObject(of.context.guest_of)) return endsOfGuest(of);
  // One that has something at several brokers has several other sides.
  const own = [...model.actors.values()].filter(
    (one) => one.machine === 'extension' && one.broker === of.broker && field(one.context, 'client') === of.name,
  );
  return own[0] && own.length === 1 ? endsOfExtension(own[0]) : undefined;
}

function endsOfExtension({ broker: at, context }: WatchedActor): Ends | undefined {
  const [peer, client] = [field(context, 'broker'), field(context, 'client')];
  return at === undefined || peer === undefined || client === undefined ? undefined : { client, at, peer };
}

function endsOfGuest({ broker: peer, context: { guest_of: of } }: WatchedActor): Ends | undefined {
  const [at, client] = isObject(of) ? [field(of, 'broker'), field(of, 'client')] : [];
  return at === undefined || peer === undefined || client === undefined ? undefined : { client, at, peer };
}

/** The one turn that an extension carries. */
function turnOf(model: Watched, extension: WatchedActor | undefined): WatchedActor | undefined {
  const turns = extension?.context.turns;
  if (!extension || !Array.isArray(turns) || turns.length !== 1) return undefined;
  return find(model, 'turn', field(extension.context, 'broker'), ({ name }) => name === turns[0]);
}

const isFrom = ({ context }: WatchedActor, client: string, peer: string): boolean =>
  field(context, 'client') === client && field(context, 'broker') === peer;

const isGuestOf = ({ context: { guest_of: of } }: WatchedActor, client: string, at: string): boolean =>
  isObject(of) && field(of, 'client') === client && field(of, 'broker') === at;

/** Of several one that has not ended. */
function find(
  model: Watched,
  machine: string,
  broker: string | undefined,
  isIt: (actor: WatchedActor) => boolean,
): WatchedActor | undefined {
  let found: WatchedActor | undefined;
  for (const one of model.actors.values()) {
    if (one.machine !== machine || one.broker !== broker || !isIt(one)) continue;
    if (!found || one.endedAt === undefined) found = one;
  }
  return found;
}
