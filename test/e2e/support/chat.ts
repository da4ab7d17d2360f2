import { randomUUID } from 'node:crypto';
import type { Message, WireClient } from './wire-client.ts';

/** An accepted turn between two clients made by hand. */
export interface OpenChat {
  sessionId: string;
  turnId: string;
  /** `agent.chat` as the agent read it. */
  request: Message;
  /** The agent streams one event. */
  emit(event: object): void;
}

/** Asks for a chat, and gives the id of the request and what the agent was asked. Nobody has answered yet. */
export async function askChat(host: WireClient, agent: WireClient, params: Message) {
  const sessionId: string = params.session_id ?? `s-${randomUUID()}`;
  const id = host.post('agents.chat', { prompt: 'hi', ...params, session_id: sessionId });
  const request = await agent.chatRequest(sessionId);
  return { id, sessionId, turnId: request.params.turn_id as string, request };
}

/** Opens a chat and has the agent accept it. */
export async function openChat(host: WireClient, agent: WireClient, params: Message): Promise<OpenChat> {
  const { id, sessionId, turnId, request } = await askChat(host, agent, params);
  agent.answer(request, { accepted: true });
  const { result, error } = await host.replyTo(id);
  if (result?.accepted !== true) throw new Error(`not accepted: ${JSON.stringify(error)}`);
  // A principal of its own has another name for the session with its agent.
  const emit = (event: object) => agent.emit(request.params.session_id, { turn_id: turnId, ...event });
  return { sessionId, turnId, request, emit };
}

/** Nothing is under way any more from these clients, nor, after that, to them: a round trip each, twice. */
export async function settle(...clients: WireClient[]): Promise<void> {
  for (const client of [...clients, ...clients]) await client.settled();
}
