import type { ConnectionEvent } from '../../machines/connection.machine.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { ErrorCode, WireError } from '../../protocol/errors.ts';
import { EventFault } from '../../protocol/event-fault.ts';
import { decodeFrame, type RpcId } from '../../protocol/frame.ts';
import { type Unread, unread } from '../../protocol/frame-scan.ts';
import { isObject, isThere, unwritable } from '../../protocol/json.ts';
import { isGuest, type Link, type LinkHandlers } from '../../protocol/link.ts';
import type { MethodSpec } from '../../protocol/method.ts';
import { methods } from '../../protocol/methods.ts';
import { readChatEvent } from '../../protocol/read-event.ts';
import { Sealed } from '../../protocol/sealed.ts';
import type { Accounts, Reached } from '../kernel/accounts.ts';
import type { Client } from '../kernel/client.ts';
import type { Inbound } from '../kernel/hooks.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { closeOverrun } from '../kernel/overrun.ts';
import { hold, isBeingDecided } from './auth-decision.ts';
import { Inflow } from './inflow.ts';

/** Connects a link to its connection's actor: each frame is decoded and checked here, once. */
export function openLink(kernel: Kernel, client: Client): void {
  // Nobody has to say who they are: they may send what they like at once.
  if (!client.needsAuth) client.link.admit?.(client.principal);
  let strangeBytes = 0;
  const inflow = new Inflow(kernel, client);
  const peer: Peer = {
    note(fault) {
      // Of anybody else no event goes anywhere, whatever is in it.
      if (client.agentKey !== undefined) kernel.eventFaults.note(client.agentKey, fault);
    },
    counted: (members) => inflow.takeMembers(members),
    awaits(id, fault) {
      if (!client.awaits(id)) return false;
      const { tenant, agentId: agent } = client;
      kernel.sparseLog.warn({ client: client.id, tenant, agent, id, fault }, 'an answer was malformed');
      return true;
    },
  };
  // Made once for a link: a token's way has no function made for it.
  const readText = (data: string, bytes: number) => {
    try {
      return decodePeerFrame(data, bytes, kernel.inbound, peer);
    } catch (err) {
      return unreadable(kernel, client, err);
    }
  };
  const readBinary = (data: Uint8Array) => {
    try {
      return kernel.inbound.binary?.(data);
    } catch (err) {
      return unreadable(kernel, client, err);
    }
  };
  const handlers: LinkHandlers = {
    text: (data, bytes) => {
      if (isBeingDecided(client)) return hold(client, bytes, () => handlers.text(data, bytes));
      // Parsing takes time, and it is not for somebody who has not said who they are.
      if (client.needsAuth && !client.identity) {
        strangeBytes += bytes;
        if (strangeBytes > kernel.limits.maxUnauthenticatedBytes) {
          client.ref.send({ type: 'connection.close', code: CloseCode.NotAuthenticated });
          return;
        }
      }
      const owed = client.accounts && owedUnpaused(kernel, client.link, client.accounts);
      inflow.take(bytes);
      const startedAt = kernel.routingTimes.begin();
      const event = readText(data, bytes);
      if (!event) {
        kernel.counters.drop('malformed_event');
        return;
      }
      const limited = METERED.has(event.type) ? limit(kernel, client, event, owed) : event;
      if (limited) client.ref.send(limited);
      if (event.type !== 'chat.event') return;
      if (client.accounts) inflow.takeDelta();
      // All the way to the host's queue nothing waits: what was to be done is done.
      if (startedAt > 0) kernel.routingTimes.end(startedAt);
    },
    binary: (data) => {
      if (isBeingDecided(client)) return hold(client, data.length, () => handlers.binary(data));
      inflow.take(data.length);
      const isKnown = client.identity !== undefined || !client.needsAuth;
      const event = isKnown ? readBinary(data) : undefined;
      if (event) client.ref.send(event);
      else client.ref.send({ type: 'connection.close', code: CloseCode.UnsupportedData });
    },
    overrun: () => closeOverrun(client),
    expelled: () => {
      client.isExpelled = true;
    },
    unread: () => kernel.counters.drop('closing'),
    closed: (code) => {
      inflow.stop();
      if (!isGuest(client.link)) kernel.counters.closed(code);
      client.hasLeft = code === CloseCode.Normal;
      client.ref.send({ type: 'link.closed', code });
    },
  };
  client.link.open(handlers);
}

/** What costs a token: an agent's events and a host's answers are neither counted nor refused. */
const METERED: ReadonlySet<string> = new Set(['rpc.request', 'rpc.notification', 'rpc.bad']);

/** So many of a full bucket's: a frame that is no message takes longer, its error is made and written for it alone. */
const MOST_BAD_FRAMES = 2_000;
/** So many of a full bucket's: who has not authenticated has one thing to say, and reconnecting costs nothing. */
const MOST_UNAUTHENTICATED = 200;

/** What becomes of a metered frame: itself, its refusal, nothing, or the end of the connection. */
function limit(
  kernel: Kernel,
  client: Client,
  event: ConnectionEvent,
  owed: Reached | undefined,
): ConnectionEvent | undefined {
  // A guest's was metered where its connection is.
  if (isGuest(client.link)) return event;
  const isKnown = client.identity !== undefined || !client.needsAuth;
  const most = isKnown
    ? event.type === 'rpc.bad'
      ? MOST_BAD_FRAMES
      : kernel.limits.requestBurst
    : MOST_UNAUTHENTICATED;
  const cost = Math.max(1, Math.floor(kernel.limits.requestBurst / most));
  const verdict = client.rate.take(kernel.clock.now(), cost);
  if (verdict.kind === 'ok') {
    if (!owed || event.type !== 'rpc.request') return event;
    return { type: 'rpc.fail', id: event.id, error: kernel.shared.refusal(owed) };
  }
  kernel.counters.drop('rate_limited');
  if (verdict.kind === 'close') return { type: 'connection.close', code: CloseCode.RateLimited };
  if (event.type !== 'rpc.request') return undefined;
  const error = WireError.limitExceeded('requests_per_second', kernel.limits.requestsPerSecond, verdict.retryAfterMs);
  return { type: 'rpc.fail', id: event.id, error };
}

/** What is owed on a link that is read all the same, one inside this process: until it is paid, its requests are refused. */
const owedUnpaused = ({ clock }: Kernel, link: Link, accounts: Accounts): Reached | undefined =>
  link.pause ? undefined : accounts.owed(clock.now());

/**
 * Stands for a frame whose reading broke, a fault of ours: its sender hears of that. Frames are read outside any actor, where
 * what is thrown would end the whole process.
 */
function unreadable(kernel: Kernel, client: Client, err: unknown): ConnectionEvent {
  kernel.sparseLog.error({ client: client.id, err }, 'a frame could not be read');
  return { type: 'rpc.bad', id: null, error: WireError.internal() };
}

/** Whose frame it is. */
export interface Peer {
  /** Is told of an event that is not as it should be, whether it goes on or not. */
  note(fault: EventFault): void;
  /** Is told how many members and elements a large frame has, before it is parsed. */
  counted(members: number): void;
  /** Whether a malformed answer is one: whether its id is that of a request of ours. */
  awaits(id: RpcId, fault: string): boolean;
}

/**
 * One text frame as the event that the connection's actor hears. Of an agent's events only checked ones get by. Undefined: an
 * event, or another notification, that is refused unread; the peer is noted for it.
 */
export function decodePeerFrame(
  text: string,
  bytes: number,
  inbound: Inbound,
  peer: Peer,
): ConnectionEvent | undefined {
  const refused = unread(text, peer.counted);
  if (refused) {
    const refusal = toRefusal(refused);
    if (!refusal) peer.note(EventFault.unread(refused.reason));
    return refusal;
  }
  const frame = decodeFrame(text);
  switch (frame.kind) {
    case 'notification': {
      if (frame.method === 'agent.chat.event') {
        const read = readChatEvent(frame.params);
        if (!(read instanceof EventFault)) return { type: 'chat.event', params: read, bytes };
        peer.note(read);
        if (read.event) return { type: 'chat.event', params: read.event, bytes };
      }
      const event = inbound.notifications.get(frame.method)?.(frame.params, peer.note);
      return event ?? { type: 'rpc.notification', method: frame.method, params: sealed(frame.method, frame.params) };
    }
    case 'request':
      return { type: 'rpc.request', id: frame.id, method: frame.method, params: sealed(frame.method, frame.params) };
    case 'response': {
      const { id, result, error, fault } = frame;
      if (fault !== undefined && !peer.awaits(id, fault))
        return { type: 'rpc.bad', id: null, error: WireError.invalidRequest(fault) };
      if (unwritable(error ?? result) !== undefined) return { type: 'rpc.response', id, error: UNWRITABLE };
      return error ? { type: 'rpc.response', id, error } : { type: 'rpc.response', id, result };
    }
    case 'bad':
      return { type: 'rpc.bad', id: frame.id, error: frame.error };
  }
}

/** What becomes of a frame that is not parsed: its sender hears of a request, and whoever waits hears of an answer. */
function toRefusal({ reason, shape, id, hasMethod, isWhole }: Unread): ConnectionEvent | undefined {
  const bad = (error: WireError) => ({ type: 'rpc.bad', id: null, error }) as const;
  if (!isWhole) return bad(WireError.parseError());
  if (shape !== 'object') return bad(WireError.invalidRequest('a message is an object'));
  if (id === null) return bad(WireError.invalidRequest('id is a string or a finite number, of at most 256 bytes'));
  if (!hasMethod) {
    if (id !== undefined) return { type: 'rpc.response', id, error: UNWRITABLE };
    return bad(WireError.invalidRequest('neither a request nor a notification nor a response'));
  }
  if (id === undefined) return undefined;
  return { type: 'rpc.bad', id, error: WireError.invalidParams([{ path: '', message: reason }]) };
}

/** Of which methods' parameters which members are sealed. */
const SECRETS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries<MethodSpec>(methods).flatMap(([name, { secret }]) => (secret ? [[name, secret] as const] : [])),
);

/** Parameters without what no event between actors may show: credentials (`wire.md` section 11). */
function sealed(method: string, params: unknown): unknown {
  const secret = SECRETS.get(method);
  if (secret === undefined || !isObject(params)) return params;
  const members = secret.filter((name) => Object.hasOwn(params, name) && isThere(params[name]));
  return { ...params, ...Object.fromEntries(members.map((name) => [name, new Sealed(params[name])])) };
}

/**
 * Stands for an answer that could be read but never written again. No fault of whoever asked: `-32602` would blame their
 * parameters.
 */
const UNWRITABLE = {
  code: ErrorCode.InternalError,
  message: 'the answer was nested too deeply, had too much in it, or held a number out of range',
};
