import { Chat } from '@ai-sdk/react';
import {
  type ChatInit,
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
  type UIMessage,
  type UIMessageChunk,
} from 'ai';
import { onTestFinished } from 'vitest';
import { connectHost } from '../../../client/node.ts';
import type { Scene } from '../front-scene.ts';

/** Somebody's place at a front: who, which agent, which chat. */
export interface Place {
  scene: Scene;
  key?: string;
  agent?: string;
  id?: string;
  /** What goes with each request beside the messages. */
  body?: object;
}

export function transportOf({ scene, key = scene.token, agent = 'echo', body = {} }: Place) {
  return new DefaultChatTransport({
    api: `${scene.url}/ai/${agent}`,
    headers: { authorization: `Bearer ${key}` },
    body,
  });
}

/** What `useChat` is made of: the AI SDK's own chat, with the AI SDK's own transport. */
export function windowOf(place: Place, init: Partial<ChatInit<UIMessage>> = {}): Chat<UIMessage> {
  const chat = new Chat<UIMessage>({
    id: place.id ?? 'chat-1',
    transport: transportOf(place),
    sendAutomaticallyWhen: (state) =>
      lastAssistantMessageIsCompleteWithToolCalls(state) || lastAssistantMessageIsCompleteWithApprovalResponses(state),
    ...init,
  });
  onTestFinished(() => chat.stop());
  return chat;
}

/** A message of a person's. */
export const said = (text: string, id = 'm-1'): UIMessage => ({ id, role: 'user', parts: [{ type: 'text', text }] });

/** Sends messages by the transport alone. */
export function send(place: Place, messages: UIMessage[], more: { signal?: AbortSignal; messageId?: string } = {}) {
  return transportOf(place).sendMessages({
    chatId: place.id ?? 'chat-1',
    messages,
    trigger: 'submit-message',
    messageId: more.messageId,
    abortSignal: more.signal,
  });
}

/** Everything that a stream brings, as the AI SDK's parser reads it. */
export async function chunksOf(stream: ReadableStream<UIMessageChunk>): Promise<UIMessageChunk[]> {
  const chunks: UIMessageChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** The text of a message. */
export const textIn = (message: UIMessage | undefined): string =>
  (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');

/** Stops a chat as a page does. */
export const stop = ({ scene, key = scene.token, agent = 'echo', id = 'chat-1' }: Place) =>
  fetch(`${scene.url}/ai/${agent}/${id}/stop`, { method: 'POST', headers: { authorization: `Bearer ${key}` } });

/** Asks whether a chat goes on. */
export const look = ({ scene, key = scene.token, agent = 'echo', id = 'chat-1' }: Place, method = 'GET') =>
  fetch(`${scene.url}/ai/${agent}/${id}/stream`, { method, headers: { authorization: `Bearer ${key}` } });

/** The broker's live turns, by their states, and how many approvals wait. */
export async function stateOf({ broker }: Scene) {
  const host = await connectHost({ link: broker.connect(), hostToken: broker.tokens.host });
  try {
    const { sessions } = await host.request('agents.chat.sessions', {});
    const { approvals } = (await host.subscribe()).snapshot;
    return {
      turns: sessions.map(({ status }) => status),
      approvals: approvals.filter(({ status }) => status === 'pending').length,
    };
  } finally {
    await host.close();
  }
}
