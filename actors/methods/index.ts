import type { Handlers } from '../dispatcher.ts';
import { listAgents, removeAgent, upsertAgent } from './agents.ts';
import { cancel, chat, listSessions } from './chat.ts';
import { handshake } from './handshake.ts';

/** Who carries out which built-in method. `session.auth` is the connection's own. */
export const handlers: Handlers = {
  'server.handshake': handshake,
  'agents.upsert': upsertAgent,
  'agents.remove': removeAgent,
  'agents.list': listAgents,
  'agents.chat': chat,
  'agents.chat.cancel': cancel,
  'agents.chat.sessions': listSessions,
};
