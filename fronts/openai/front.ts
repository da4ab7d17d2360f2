import type { FrontCore } from '../core/core.ts';
import type { FrontServer } from '../core/front.ts';
import { completeChat } from './chat.ts';
import { SESSION_HEADER } from './conversation.ts';
import { errorBody, errorHeaders } from './error-body.ts';
import { getModel, listModels } from './models.ts';
import { Responses } from './responses.ts';
import { OpenAiTurns } from './turns.ts';

/** The OpenAI API, with agents as its models (`docs/fronts.md#openai`). */
export function openAiFront(core: FrontCore): FrontServer {
  const turns = new OpenAiTurns(core);
  const responses = new Responses(turns);
  return {
    routes: [
      { method: 'GET', path: /^\/models$/, answer: (exchange) => listModels(core, exchange) },
      { method: 'GET', path: /^\/models\/([^/]+)$/, answer: (exchange, id = '') => getModel(core, exchange, id) },
      { method: 'POST', path: /^\/chat\/completions$/, answer: (exchange) => completeChat(turns, exchange) },
      { method: 'POST', path: /^\/responses$/, answer: (exchange) => responses.create(exchange) },
    ],
    errorBody,
    errorHeaders,
    exposed: [SESSION_HEADER, 'retry-after', 'x-should-retry'],
  };
}
