import type { AgentConnection, AgentConnector, InitializeResponse, Stream } from '@agentclientprotocol/sdk';
import type { AgentRow } from '../../client/node.ts';
import { agent, RequestError } from '../../sdks/acp.ts';
import type { AcpDoor } from './door.ts';
import { notAttached, requestErrorOf } from './errors.ts';
import { guarded } from './guarded.ts';
import { Outbox } from './outbox.ts';
import { cancelledSession, namedSession, newSession, promptedSession } from './params.ts';
import { AcpSession } from './session.ts';

/** Sessions of one connection; beyond it the oldest that is idle is forgotten. */
export const MAX_SESSIONS = 256;
/** The version of ACP that is spoken. */
const PROTOCOL_VERSION = 1;

/** What else there is to know of an {@link acpAgent}. */
export interface AcpAgentOptions {
  /** Of this program. */
  version: string;
  /** Its client has gone, and its turns are over. */
  onClosed?(): void;
}

/** An agent for one connection. */
export interface AcpAgent extends AgentConnector {
  connect(stream: Stream, options?: Parameters<AgentConnector['connect']>[1]): AgentConnection;
}

/**
 * An agent of the broker's as one of the Agent Client Protocol, for one connection of one client (`docs/fronts.md#acp`). Its
 * turns end with the connection.
 */
export function acpAgent(door: AcpDoor, { version, onClosed }: AcpAgentOptions): AcpAgent {
  const sessions = new Map<string, AcpSession>();
  let close = () => {};
  const outbox = new Outbox(door.limits, () => close());
  let showsNotices = false;

  let finding: Promise<AgentRow | undefined> | undefined;
  /** Those who ask at the same time ask once: a client may send thousands of requests in one go. */
  const find = () => {
    finding ??= door.find().finally(() => {
      finding = undefined;
    });
    return finding;
  };
  const sessionOf = (id: string): AcpSession => {
    const session = sessions.get(id);
    if (!session) throw RequestError.sessionNotFound(id);
    return session;
  };
  const forgetOne = () => {
    const idle = [...sessions.values()].find((session) => !session.isBusy);
    if (!idle) throw new RequestError(-32603, `one connection may have ${MAX_SESSIONS} sessions`);
    sessions.delete(idle.id);
  };

  const app: AgentConnector = agent({ name: `switchboard:${door.agentId}` })
    .onConnect((connection) => {
      close = () => connection.close(new Error('the client does not read'));
      void connection.closed.then(async () => {
        outbox.stop();
        await Promise.all([...sessions.values()].map((session) => session.cancel()));
        onClosed?.();
      });
    })
    .onRequest('initialize', async ({ params }): Promise<InitializeResponse> => {
      showsNotices = Boolean(params.clientCapabilities?.session?.notices);
      const row = await find().catch(() => undefined);
      return {
        protocolVersion: PROTOCOL_VERSION,
        agentInfo: { name: `switchboard:${door.agentId}`, title: row?.spec.name || door.agentId, version },
        agentCapabilities: {
          loadSession: false,
          promptCapabilities: { image: true, embeddedContext: true },
          mcpCapabilities: {},
          sessionCapabilities: { close: {} },
        },
        authMethods: [],
      };
    })
    .onRequest('session/new', newSession, async ({ params }) => {
      const row = await find().catch((error: unknown) => {
        throw requestErrorOf(error);
      });
      if (!row?.attached) throw notAttached(door.agentId);
      if (sessions.size >= MAX_SESSIONS) forgetOne();
      const session = new AcpSession(door, outbox, params.cwd);
      sessions.set(session.id, session);
      return { sessionId: session.id };
    })
    // Before the cancel: both go through these one after the other, and a cancel must not overtake its prompt.
    .onRequest('session/prompt', promptedSession, (context) =>
      sessionOf(context.params.sessionId).prompt(context, showsNotices),
    )
    .onNotification('session/cancel', cancelledSession, ({ params }) => {
      void sessions.get(params.sessionId)?.cancel();
    })
    .onRequest('session/close', namedSession, ({ params }) => {
      const session = sessionOf(params.sessionId);
      sessions.delete(params.sessionId);
      void session.cancel();
      return {};
    });
  return { connect: (stream, options) => app.connect(guarded(stream), options) as AgentConnection };
}
