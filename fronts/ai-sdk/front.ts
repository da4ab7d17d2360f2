import type { FrontCore } from '../core/core.ts';
import type { FrontServer } from '../core/front.ts';
import { Chats } from './chats.ts';

/** The AI SDK's `useChat` (`docs/fronts.md#ai-sdk`). */
export function aiSdkFront(core: FrontCore): FrontServer {
  const chats = new Chats(core);
  return {
    routes: [
      { method: 'POST', path: /^\/([^/]+)$/, answer: (exchange, agent = '') => chats.send(exchange, agent) },
      {
        method: 'GET',
        path: /^\/([^/]+)\/([^/]+)\/stream$/,
        answer: (exchange, agent = '', chat = '') => chats.resume(exchange, agent, chat),
      },
      {
        method: 'POST',
        path: /^\/([^/]+)\/([^/]+)\/stop$/,
        answer: (exchange, agent = '', chat = '') => chats.stop(exchange, agent, chat),
      },
    ],
    errorBody: ({ message }) => ({ error: message }),
    exposed: ['x-vercel-ai-ui-message-stream', 'retry-after'],
  };
}
