import type { ClusterOptions } from '../../cluster/cluster-options.ts';
import { extensionHotEvents, extensionMachine } from '../../machines/extension.machine.ts';
import { isGuest } from '../../protocol/link.ts';
import { agentIdOf } from '../../protocol/principal.ts';
import type { BrokerStatus } from '../../protocol/status.ts';
import { type Facts, listed } from '../kernel/facts.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { DISPATCHER } from '../requests/dispatcher.ts';
import type { Family } from '../requests/family.ts';
import { OTHER_FEEDS } from '../shown/feeds.ts';
import { type ClaimBook, Claims, type SessionHolders } from '../turns/claims.ts';
import { EndedShelf } from '../turns/ended-shelf.ts';
import { LEFT_READERS, type LeftReader, MOVED } from '../turns/left-readers.ts';
import { Tickets } from '../turns/tickets.ts';
import { TURNS } from '../turns/turns.ts';
import { releaseIfFree, startWaiting } from '../turns/waiting-chats.ts';
import { CLUSTER, Cluster } from './cluster.ts';
import { EventShare } from './event-share.ts';
import type { Extension, GuestFrame } from './extension-record.ts';
import { extensionsOf, hostedTurns } from './extensions.ts';
import { FollowedTurns } from './followed-turns.ts';
import { InspectShare } from './inspect-share.ts';
import { clusterMetrics } from './metrics.ts';
import { MovedTurns } from './moved-turns.ts';
import { NewsShare } from './news-share.ts';
import { leaveAgent } from './older-connections.ts';
import { RegistryShare } from './registry-share.ts';
import { Routes } from './routes.ts';
import { SameSetUp } from './same-set-up.ts';
import { SessionConflicts } from './session-conflicts.ts';
import { SessionTalk } from './session-talk.ts';

/** The broker's own tokens: what all brokers of a cluster have in common. */
export interface BrokerTokens {
  readonly daemon: string;
  readonly host: string;
}

/** Several brokers as one (`docs/cluster.md`). */
export const cluster: Family<{ cluster?: ClusterOptions | undefined; tokens?: BrokerTokens | undefined }> = {
  name: 'cluster',
  charts: [
    {
      machine: extensionMachine,
      hot: extensionHotEvents,
      facts: ({ extension }) => factsOf(extension),
      // A frame may have a turn's token in it, and a request what somebody has said.
      shown: {
        'extension.frame': ({ frame }) => shownFrame(frame as unknown as GuestFrame),
        'extension.request': ({ request }) => ({ method: (request as { method?: string }).method ?? null }),
        'extension.token': () => ({}),
      },
    },
  ],
  install(kernel, { cluster: options, tokens }) {
    if (!options) return {};
    const book = kernel.put(CLUSTER, new Cluster(kernel, options));
    const routes = new Routes(book);
    const events = new EventShare(kernel, book);
    book.add(events);
    routes.changes = () => events.changes;
    const followed = new FollowedTurns(kernel, routes);
    const moved = new MovedTurns(kernel, book, (turnId) => followed.againTurn(turnId));
    kernel.get(DISPATCHER).elsewhere = routes;
    const turns = kernel.get(TURNS);
    turns.elsewhere = moved;
    turns.tickets = tokens && new Tickets(tokens, options.name ?? '');
    turns.ended = options.endedTurns && new EndedShelf(kernel, options.endedTurns);
    turns.chatsElsewhere = {
      brokerOf(agentKey) {
        const broker = book.places.of(agentKey)?.broker;
        return broker === book.id ? undefined : broker;
      },
      passOn: (chat, broker) => routes.passOn(kernel, chat, broker),
    };
    const sessions = new SessionTalk(kernel, book);
    const conflicts = new SessionConflicts(kernel, book);
    turns.claims = claimsOf(kernel, book, conflicts.over(options.directory), sessions);
    book.add(conflicts);
    book.add(sessions);
    routes.asksItself = (client, { turn, session }) =>
      followed.drop(client, ({ turnId, sessionId }) => (turn === undefined ? sessionId === session : turnId === turn));
    routes.waits = (client, sessionId, run) =>
      moved.leaving.waits(client, sessionId, run) || followed.waits(client, sessionId, run);
    book.turnCount = () => kernel.get(TURNS).byId.size;
    options.together?.serve({
      turns: () => book.turnCount() + hostedTurns(kernel.clients.values()),
      // What the chart asks for it asks at each step of its.
      changed: () => kernel.ref.send({ type: 'sweep' }),
    });
    book.follow = (client, turn) => followed.follow(client, turn);
    kernel.put(LEFT_READERS, (reader) => leave(kernel, followed, reader));
    book.add(moved);
    book.add({
      placed(agentKey, { broker }) {
        const own = kernel.attached.get(agentKey);
        // What is told of this broker's own may be of one before.
        if (own && broker !== book.id) leaveAgent(kernel, own);
        if (broker !== book.id) startWaiting(kernel, agentKey);
        followed.again(agentIdOf(agentKey));
      },
      gone: (agentKey) => {
        // It may be back in a moment, here or elsewhere.
        if (!kernel.attached.has(agentKey)) kernel.get(TURNS).waits.gone(agentKey, kernel.clock.now());
      },
      opened() {
        routes.search.opened(kernel.clock.now());
        followed.again();
      },
    });
    const { home } = options;
    const share = home === undefined ? undefined : new RegistryShare(kernel, book, home, options.homeBefore);
    if (share) book.add(share);
    book.add(new SameSetUp(kernel, book));
    book.add(new NewsShare(kernel, book));
    const feeds = new InspectShare(kernel, book);
    kernel.put(OTHER_FEEDS, feeds);
    book.add(feeds);
    meetNeighbours(kernel, book);
    book.add({ opened: ({ name }) => name === home && routes.subscribeAgain(kernel, name) });
    kernel.keptBy = home === options.id ? undefined : home;
    kernel.isElsewhere = (agentKey) => {
      const place = book.places.of(agentKey);
      return place !== undefined && place.broker !== book.id;
    };
    return {
      metrics: clusterMetrics(kernel, book),
      agentRemoved: (agentKey) => share?.agentRemoved(agentKey),
      sweep: () => share?.sweep(),
      agentAttached: (agentKey, client) => book.places.attach(agentKey, client.id),
      connectionEnded(client) {
        const { agentKey } = client;
        if (agentKey !== undefined && !isGuest(client.link)) book.places.detach(agentKey, client.id);
        followed.drop(client);
        for (const [, { ref }] of extensionsOf(client)) if (ref) tell(kernel.ref, ref, { type: 'extension.hangUp' });
      },
      turnsElsewhere: () => hostedTurns(kernel.clients.values()),
      held: () => options.together?.held,
      answered: () => book.lastTurns.settle(),
      clientFacts: (client) => ({
        ...(client.link.broker !== undefined && {
          guest_of: { broker: client.link.broker, client: client.origin },
        }),
        elsewhere: listed(
          [...extensionsOf(client)].map(([peer]) => peer),
          extensionsOf(client).size,
        ),
      }),
      status: () => ({ cluster: statusOf(book) }),
      brokerFacts: () => ({ broker: book.id, brokers: book.openPeers().length + 1 }),
    };
  },
};

/** What other families have to say to other brokers. */
function meetNeighbours({ neighbours }: Kernel, book: Cluster): void {
  neighbours.at = (agentKey) => {
    const broker = book.places.of(agentKey)?.broker;
    return broker === undefined ? undefined : neighbours.named(broker);
  };
  neighbours.named = (name) => {
    const peer = book.peer(name);
    return peer?.isOpen ? peer : undefined;
  };
  neighbours.open = () => book.openStreams();
  for (const talk of neighbours.talks) book.add(talk);
}

/** Names of sessions among brokers; an ended turn that its host's token still finds keeps its session's. */
function claimsOf(kernel: Kernel, book: Cluster, names: ClaimBook, holders: SessionHolders): Claims {
  const { logs } = kernel.get(TURNS);
  const claims = new Claims(kernel, names, holders);
  claims.openedHere = (sessionKey) => {
    const now = kernel.clock.now();
    return logs
      .openedIn(sessionKey, now)
      .flatMap((log) => (log.opening ? [[log.opening.tokenHash, book.id, logs.leftOf(log, now)] as const] : []));
  };
  logs.forgotten = (sessionKey) => releaseIfFree(kernel, sessionKey);
  return claims;
}

/** A turn has moved to another broker: a guest's connection follows it from where that is, any other from here. */
function leave(kernel: Kernel, followed: FollowedTurns, reader: LeftReader): void {
  const { client, turnId, ...rest } = reader;
  if (isGuest(client.link)) {
    const params = { turn_id: turnId, session_id: rest.sessionId };
    tell(kernel.ref, client.ref, { type: 'rpc.notify', method: MOVED, params });
  } else followed.follow(client, { ...rest, turnId, resumeToken: undefined, hasWindow: true, isAgentAway: true });
}

function shownFrame(frame: GuestFrame) {
  return frame.kind === 'answer'
    ? { kind: frame.kind, bytes: frame.bytes }
    : { kind: frame.kind, method: frame.method };
}

function factsOf({ peer, client, asked, calls, turns }: Extension): Facts {
  const fields = {
    broker: peer,
    client: client.id,
    asked: asked.size,
    calls: calls.size,
    turns: listed(turns.keys(), turns.size),
  };
  return { label: peer, startedAt: client.connectedAt, fields };
}

function statusOf(book: Cluster): BrokerStatus['cluster'] {
  const brokers = [...book.members()].map(({ id, status, isOpen, urls, turns, load }) => ({
    id,
    status,
    link: isOpen,
    urls: [...urls],
    turns,
    load,
  }));
  return {
    id: book.id,
    ...(book.home !== undefined && { home: book.home }),
    connected: book.directory.isConnected,
    urls: book.urls(),
    turns: book.turnCount(),
    load: book.load(),
    brokers: brokers.sort((one, other) => (one.id < other.id ? -1 : 1)),
  };
}
