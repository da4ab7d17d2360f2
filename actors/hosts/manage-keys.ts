import { CloseCode } from '../../protocol/close-codes.ts';
import { WireError } from '../../protocol/errors.ts';
import type { KeyRow } from '../../protocol/keys.ts';
import { isGuest } from '../../protocol/link.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { isSamePrincipal, LOCAL } from '../../protocol/principal.ts';
import { KEY_LIMITS, type KeyLimits } from '../../protocol/shared-limits.ts';
import type { KeyChanges, Made, Removal } from '../connection/key-changes.ts';
import { KEYS, keyId } from '../connection/key-ring.ts';
import type { KeyRecord } from '../connection/key-store.ts';
import type { Note } from '../kernel/audit.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Viewer } from '../kernel/sight.ts';
import { tell } from '../kernel/tell.ts';
import { HOST_EXPELLED, turnsOf } from '../turns/client-turns.ts';
import { TURNS } from '../turns/turns.ts';

/*
 * What becomes of keys (`docs/protocol.md#keys`), whoever asks for it: the management role of a tenant over the wire,
 * the daemon's own management, an embedder. Nobody makes a key that may do what they may not, or has to do with another
 * tenant's.
 */

/** Whoever makes the broker: the daemon's own management. */
const EMBEDDER: Viewer = { principal: LOCAL, role: 'host', agentId: undefined, identity: undefined };

/** See {@link KEY_CHANGES}. */
export const changesByEmbedder = (kernel: Kernel): KeyChanges => ({
  add: (params) => addKey(kernel, EMBEDDER, params),
  list: (params) => listKeys(kernel, EMBEDDER, params),
  remove: (params) => removeKey(kernel, EMBEDDER, params),
  rotate: (params) => rotateKey(kernel, EMBEDDER, params),
  removed: (id, record) => endKey(kernel, id, record),
  changed: (id) => closeEnded(kernel, new Set([id])),
});

/** Makes a key. @throws {WireError} `-32602`, `-32014`, `-32020` */
export function addKey(kernel: Kernel, maker: Viewer, params: ParamsOf<'keys.add'>): Made {
  const { maxKeys, maxKeyBytes } = kernel.limits;
  const keys = kernel.get(KEYS);
  const { name, sub = name, scopes = ['chat'], agents, fronts, limits, expires_in_ms: lasts } = params;
  const tenant = tenantFor(maker, params.tenant);
  if (scopes.includes('host') && agents)
    throw refused('agents', 'goes with no scope host, which manages all agents of its tenant');
  // One of this name that has just ended is another: whoever came by it goes before nobody can tell that it was.
  closeEnded(kernel, keys.sweep());
  if (keys.get(keyId(tenant, name))) throw refused('name', 'is another key’s; keys.rotate gives that a new token');
  if (keys.size >= maxKeys) throw WireError.limitExceeded('max_keys', maxKeys);
  kernel.shared.demandPlace('keys', maker, keys.sizeOf(tenant));
  const expiresAt = lasts === undefined ? maker.identity?.key?.expiresAt : keys.now + lasts;
  const wish = {
    tenant,
    name,
    sub,
    scopes: [...new Set(scopes)],
    ...listed({ agents, fronts }),
    ...(limits ? { limits } : {}),
    expiresAt,
  };
  checkGrant(maker, wish, expiresAt, 'expires_in_ms');
  const { record, token } = keys.add(wish, maxKeyBytes);
  return { row: keys.row(record, 0), token, note: noteOf(record, {}), kept() {} };
}

/** The keys that exist for whoever asks, or those of them that are looked for. @throws {WireError} `-32014` */
export function listKeys(kernel: Kernel, asker: Viewer, { tenant, like = '' }: ParamsOf<'keys.list'>): KeyRow[] {
  const keys = kernel.get(KEYS);
  const which = tenant === undefined && isDaemons(asker) ? undefined : tenantFor(asker, tenant);
  const counts = new Map<string, number>();
  for (const { identity, link } of kernel.clients.values())
    if (identity?.key && !isGuest(link)) counts.set(identity.key.id, (counts.get(identity.key.id) ?? 0) + 1);
  const word = like.toLowerCase();
  const isLike = (record: KeyRecord) =>
    word === '' || [record.name, record.sub, record.tenant].some((text) => text.toLowerCase().includes(word));
  return [...keys.records(which)]
    .filter(isLike)
    .map((record) => keys.row(record, counts.get(keyId(record.tenant, record.name)) ?? 0));
}

/** Forgets a key: from now on it lets nobody in. @throws {WireError} `-32014` */
export function removeKey(kernel: Kernel, asker: Viewer, params: ParamsOf<'keys.remove'>): Removal {
  const keys = kernel.get(KEYS);
  const id = keyId(tenantFor(asker, params.tenant), params.name);
  const record = keys.get(id);
  const removed = keys.remove(id);
  return { removed, note: { on: id, data: { removed } }, kept: () => record && endKey(kernel, id, record) };
}

/**
 * Gives a key a new token; who came by the old one goes when its time is over.
 * @throws {WireError} `-32014`, `-32602`, `-32020`
 */
export function rotateKey(kernel: Kernel, maker: Viewer, params: ParamsOf<'keys.rotate'>): Made {
  const keys = kernel.get(KEYS);
  const id = keyId(tenantFor(maker, params.tenant), params.name);
  const before = keys.get(id);
  if (!before) throw WireError.notFound('key');
  checkGrant(maker, before, before.expires_at === undefined ? undefined : Date.parse(before.expires_at), 'name');
  const { record, token } = keys.rotate(before, params.keep_ms, kernel.limits.maxKeyBytes);
  const row = keys.row(record, holdersOf(kernel, id).length);
  const note = noteOf(record, { keep_ms: params.keep_ms });
  return { row, token, note, kept: () => closeEnded(kernel, new Set([id])) };
}

/** Closes the connections of these keys that came by what works no more. */
export function closeEnded(kernel: Kernel, ids: ReadonlySet<string>): void {
  if (ids.size === 0) return;
  const keys = kernel.get(KEYS);
  for (const client of [...kernel.clients.values()]) {
    const key = client.identity?.key;
    // A guest goes with its connection, where that is.
    if (key && ids.has(key.id) && !isGuest(client.link) && !keys.isCurrent(key))
      close(kernel, client, CloseCode.NotAuthenticated);
  }
}

/** A key is gone: with it its connections and their turns, and those that wait for somebody who has no key any more. */
function endKey(kernel: Kernel, id: string, record: KeyRecord): void {
  const keys = kernel.get(KEYS);
  // One of that name that was made since is another.
  const holders = holdersOf(kernel, id).filter(({ identity }) => !identity?.key || !keys.isCurrent(identity.key));
  for (const client of holders) {
    endTurnsOf(kernel, client);
    close(kernel, client, CloseCode.Forbidden);
  }
  // Their own broker closes them: that may have heard of it before, and will say so, or hears of it later.
  for (const client of [...kernel.clients.values()])
    if (isGuest(client.link) && isOf(client, id, record)) endTurnsOf(kernel, client);
  if (keys.hasOther(id, record)) return;
  for (const { ref, host, owner } of [...kernel.get(TURNS).byId.values()])
    if (ref && !host && isSamePrincipal(owner, record)) tell(kernel.ref, ref, HOST_EXPELLED);
}

/** What this connection has ends: here now, and at other brokers with its guests there. */
function endTurnsOf(kernel: Kernel, client: Client): void {
  client.isExpelled = true;
  for (const { ref } of [...turnsOf(client).hosting]) if (ref) tell(kernel.ref, ref, HOST_EXPELLED);
}

/** Whether a connection came by this key, and not by a later one of its name. */
function isOf({ identity }: Client, id: string, { created_at }: KeyRecord): boolean {
  return identity?.key?.id === id && (identity.key.createdAt ?? created_at) === created_at;
}

/** Who may do what from now on: never the secret, nor its hash. */
function noteOf(record: KeyRecord, more: Note['data']): Note {
  const { tenant, name, sub, scopes, agents, fronts, expires_at } = record;
  const limits = limitsText(record.limits);
  const data = {
    sub,
    scopes: scopes.join(),
    agents: agents?.join(),
    fronts: fronts?.join(),
    limits,
    expires_at,
    ...more,
  };
  return { on: keyId(tenant, name), data };
}

const limitsText = (limits: KeyLimits | undefined) =>
  limits &&
  Object.entries(limits)
    .flatMap(([name, most]) => (most === undefined ? [] : `${name}=${most}`))
    .join();

/** Its connections to this broker. */
const holdersOf = (kernel: Kernel, id: string): Client[] =>
  [...kernel.clients.values()].filter(({ identity, link }) => identity?.key?.id === id && !isGuest(link));

const close = (kernel: Kernel, client: Client, code: CloseCode) =>
  tell(kernel.ref, client.ref, { type: 'connection.close', code });

/** The daemon's host token, and an embedder: all tenants are theirs to manage. */
const isDaemons = ({ principal, role }: Viewer): boolean => role === 'host' && isSamePrincipal(principal, LOCAL);

/** @throws {WireError} `-32014`: to everybody else there is no other tenant than their own. */
function tenantFor(asker: Viewer, tenant: string | undefined): string {
  const own = asker.principal.tenant;
  if (tenant === undefined || tenant === own) return own;
  if (!isDaemons(asker)) throw WireError.notFound('tenant');
  return tenant;
}

type Grant = Pick<KeyRecord, 'agents' | 'fronts' | 'limits'>;

/**
 * Nobody hands on more than they have.
 * @param at - the parameter that an end too late is blamed on. @throws {WireError} `-32602`
 */
function checkGrant({ identity }: Viewer, wish: Grant, expiresAt: number | undefined, at: string): void {
  const { mayUse, key } = identity ?? {};
  if (mayUse && !wish.agents?.every(mayUse))
    throw refused('agents', 'has to be of those that whoever makes it may use');
  const { fronts, limits, expiresAt: ownEnd } = key ?? {};
  if (fronts && !wish.fronts?.every((front) => fronts.has(front)))
    throw refused('fronts', 'has to be of those that whoever makes it may come by');
  for (const name of KEY_LIMITS)
    if ((wish.limits?.[name] ?? Number.POSITIVE_INFINITY) > (limits?.[name] ?? Number.POSITIVE_INFINITY))
      throw refused(`limits.${name}`, 'has to be within that of the key of whoever makes it');
  if (ownEnd !== undefined && (expiresAt === undefined || expiresAt > ownEnd))
    throw refused(at, 'would outlast the key of whoever makes it');
}

const refused = (path: string, message: string) => WireError.invalidParams([{ path, message }]);

/** Each once, and none where there is none. */
const listed = ({ agents, fronts }: Pick<Grant, 'agents' | 'fronts'>) => ({
  ...(agents ? { agents: [...new Set(agents)] } : {}),
  ...(fronts ? { fronts: [...new Set(fronts)] } : {}),
});
