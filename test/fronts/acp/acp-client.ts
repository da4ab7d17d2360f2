import {
  client,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
  type SessionUpdate,
  type Stream,
} from '@agentclientprotocol/sdk';
import { createHttpStream } from '@agentclientprotocol/sdk/experimental/http-client';
import { createWebSocketStream } from '@agentclientprotocol/sdk/experimental/ws-client';
import { expect, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startFronts } from '../front-scene.ts';

type Asked = RequestPermissionRequest & { signal: AbortSignal };

/** How a test's client behaves. */
export interface ClientOptions {
  /** Answers permissions. Default: none is given. */
  permission?: (asked: Asked) => RequestPermissionResponse | Promise<RequestPermissionResponse>;
  /** Whether it says that it shows notices. Default true. */
  notices?: boolean;
}

/** ACP's own client, and what it has heard. */
export function acpClient(stream: Stream, { permission, notices = true }: ClientOptions = {}) {
  // What does not pass its schemas it says there, and goes on.
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => expect(complaints.mock.calls).toEqual([]));
  const updates: SessionUpdate[] = [];
  const asked: Asked[] = [];
  const watching = new Set<() => void>();
  const look = () => {
    for (const one of [...watching]) one();
  };
  const app = client({ name: 'a test' })
    .onNotification('session/update', ({ params }) => {
      updates.push(params.update);
      look();
    })
    .onRequest('session/request_permission', async ({ params, signal }) => {
      asked.push({ ...params, signal });
      look();
      return (await permission?.({ ...params, signal })) ?? { outcome: { outcome: 'cancelled' as const } };
    });
  const connection = app.connect(stream);
  const { agent } = connection;
  onTestFinished(() => connection.close());
  return {
    connection,
    agent,
    updates,
    asked,
    initialize: () =>
      agent.request('initialize', {
        protocolVersion: 1,
        clientCapabilities: notices ? { session: { notices: {} } } : {},
      }),
    /** Begins, and opens a session. */
    async begin(): Promise<string> {
      await this.initialize();
      return this.open();
    },
    async open(): Promise<string> {
      return (await agent.request('session/new', { cwd: '/src', mcpServers: [] })).sessionId;
    },
    prompt: (sessionId: string, text: string) =>
      agent.request('session/prompt', { sessionId, prompt: [{ type: 'text', text }] }),
    cancel: (sessionId: string) => agent.notify('session/cancel', { sessionId }),
    /** The answer so far. */
    get text(): string {
      return updates.map(textOf).join('');
    },
    /** Resolves when it has heard something. */
    until(isSo: () => boolean): Promise<void> {
      return new Promise((resolve) => {
        const check = () => {
          if (!isSo()) return;
          watching.delete(check);
          resolve();
        };
        watching.add(check);
        check();
      });
    },
  };
}

function textOf(update: SessionUpdate): string {
  const isText = update.sessionUpdate === 'agent_message_chunk' && update.content.type === 'text';
  return isText && update.content.type === 'text' ? update.content.text : '';
}

/** The ways in by a port. */
export const WAYS = ['WebSocket', 'HTTP'] as const;

/** A broker with the ACP front, and how to reach an agent of it. */
export async function startAcp(options: Parameters<typeof startFronts>[0] = {}) {
  const scene = await startFronts({ fronts: ['acp'], ...options });
  const streamTo = (way: (typeof WAYS)[number], agentId = 'echo', token = scene.token): Stream => {
    const headers = { authorization: `Bearer ${token}` };
    if (way === 'HTTP') return createHttpStream(`${scene.url}/acp/${agentId}`, { headers });
    const url = `${scene.url.replace('http', 'ws')}/acp/${agentId}`;
    return createWebSocketStream(url, { WebSocket: WebSocket as never, headers });
  };
  return { ...scene, streamTo };
}
