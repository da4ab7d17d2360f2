import type { JsonObject } from '../../protocol/json.ts';
import { DEFAULT_TENANT, isAgentPrincipal, isSamePrincipal, LOCAL, type Principal } from '../../protocol/principal.ts';
import type { Client } from './client.ts';
import type { ViewFor } from './event-log.ts';
import { seenBySort } from './seen-by-sort.ts';
import { mayAct, mayUse, sees, type Viewer } from './sight.ts';

/*
 * For whom an event exists, and what those see of it (`docs/protocol.md#principals`): values, which can be told to another
 * broker, whose clients then hear of it as this one's do.
 */

/** For whom an event exists. Always the same answer for the same viewer. */
export type Audience =
  /** Whoever sees a principal's thing: see `sees`. */
  | {
      readonly is: 'owner';
      readonly owner: Principal;
      /** The agent that it is about. */
      readonly agentId?: string | undefined;
      /** Whose that agent is, or who brought it about: they know of it as well. */
      readonly agent?: Principal | undefined;
      /** Whoever shares the owner's room for surfaces does, too. */
      readonly isRoom?: true;
    }
  /** All of a tenant for whom an agent exists. */
  | { readonly is: 'users'; readonly tenant: string; readonly agentId: string }
  /** All of a tenant. */
  | { readonly is: 'tenant'; readonly tenant: string }
  /** Who manages the broker. */
  | { readonly is: 'managers' };

/** See {@link Audience}. */
export const forOwner = (owner: Principal, agentId?: string, agent?: Principal): Audience => ({
  is: 'owner',
  owner,
  agentId,
  agent,
});

/** See {@link Audience}. */
export const forUsersOf = (tenant: string, agentId: string): Audience => ({ is: 'users', tenant, agentId });

/** Whether something is for this viewer. */
export function isFor(audience: Audience, viewer: Viewer): boolean {
  const { principal, role } = viewer;
  switch (audience.is) {
    case 'owner': {
      const { owner, agentId, agent, isRoom } = audience;
      return (
        (isRoom === true && isSamePrincipal(roomOf(principal), owner)) ||
        (agent !== undefined && isSamePrincipal(principal, agent)) ||
        sees(viewer, owner, agentId)
      );
    }
    case 'users':
      return principal.tenant === audience.tenant && mayUse(viewer, audience.agentId);
    case 'tenant':
      return principal.tenant === audience.tenant;
    case 'managers':
      return role === 'host' && principal.tenant === DEFAULT_TENANT;
    // Another broker's, which knows more.
    default:
      return false;
  }
}

/**
 * In whose room a principal's surfaces are. The windows of the daemon's token and the agents of the default tenant share one, as on
 * one person's machine; everybody else has one of their own.
 */
export const roomOf = (principal: Principal): Principal =>
  principal.tenant === DEFAULT_TENANT && isAgentPrincipal(principal) ? LOCAL : principal;

/** Who may answer an approval, while it is as it is. */
export interface Resolvers {
  readonly kind: 'gate' | 'chat' | 'asked';
  readonly owner: Principal;
  readonly agentId: string | undefined;
  /** Whose it is, and of a chat row who controls the turn: by `Client.origin`. */
  readonly raiserId: string;
  readonly isAgents: boolean;
  readonly controllerId: string | undefined;
}

/** Whether this client may answer an approval (`wire.md` section 5). */
export function mayResolve(
  { kind, owner, agentId, ...who }: Resolvers,
  client: Viewer & Pick<Client, 'origin'>,
): boolean {
  if (client.role === 'agent' || !mayAct(client) || !sees(client, owner, agentId)) return false;
  // A connection's id is its own for ever, unlike an agent's (law 15).
  const { raiserId, isAgents, controllerId } = who;
  if (kind === 'chat') return client.origin === controllerId || client.role === 'host';
  if (kind === 'asked' && !isAgents) return client.origin === raiserId || client.role === 'host';
  return client.origin !== raiserId;
}

/** What some see in place of an event. */
export type Views =
  /** A thing has one name for its owner, and a marked one for everybody else. */
  | { readonly is: 'named'; readonly owner: Principal; readonly isRoom?: true; readonly others: JsonObject }
  /** Of an approval: what only those see who may answer it, and what others than the owner read otherwise. */
  | {
      readonly is: 'approval';
      readonly owner: Principal;
      readonly resolvers: Resolvers | (() => Resolvers);
      readonly hidden?: JsonObject | undefined;
      readonly theirs?: JsonObject | undefined;
    };

/** As it may be told to another broker. */
export const settled = (views: Views): Views =>
  views.is === 'approval' && typeof views.resolvers === 'function' ? { ...views, resolvers: views.resolvers() } : views;

/** What each reader sees: all who see the same are given the same. */
export function viewOf(views: Views): ViewFor {
  if (views.is === 'named') {
    const { owner, isRoom, others } = views;
    const isOwners = ({ principal }: Viewer) => isSamePrincipal(isRoom ? roomOf(principal) : principal, owner);
    return seenBySort(
      (reader) => (isOwners(reader) ? undefined : true),
      (event) => ({ ...event, ...others }),
    );
  }
  const { owner, resolvers, hidden, theirs } = views;
  const sortOf = (reader: Client) => {
    const isWhole =
      hidden !== undefined && mayResolve(typeof resolvers === 'function' ? resolvers() : resolvers, reader);
    const isOther = theirs !== undefined && !isSamePrincipal(reader.principal, owner);
    if (!isOther) return isWhole ? 'whole' : undefined;
    return isWhole ? 'both' : 'other';
  };
  return seenBySort(sortOf, (event, sort) => {
    // The row as it was then; only what was hidden from others is added.
    const payload = event.payload as { details: object };
    const shown = sort === 'other' ? {} : hidden;
    const details = { ...payload.details, ...shown, ...(sort === 'whole' ? {} : theirs) };
    return { ...event, payload: { ...payload, details } };
  });
}
