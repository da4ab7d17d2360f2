import { type Dialect, type Json, joined, newId, piecesOf, textOf } from './dialect.ts';
import type { Reply } from './script.ts';

/** `POST /v1/chat/completions` of OpenAI's API. */
export const openaiChat: Dialect = {
  answers: (path) => path.endsWith('/chat/completions'),
  isStream: (_, { stream }) => stream === true,
  read({ messages = [], tools = [] }) {
    const turns: Json[] = messages;
    const last = turns.at(-1);
    return {
      said: turns.filter(({ role }) => role === 'user').map(({ content }) => joined(content)),
      result: last?.role === 'tool' ? joined(last.content) : undefined,
      tools: tools.map(({ function: { name, parameters } }: Json) => ({
        name,
        parameters: Object.keys(parameters?.properties ?? {}),
      })),
    };
  },
  async *stream(reply) {
    const id = newId('chatcmpl');
    const chunk = (delta: Json, finish_reason: string | null = null) => ({
      data: { id, object: 'chat.completion.chunk', ...ABOUT, choices: [{ index: 0, delta, finish_reason }] },
    });
    yield chunk({ role: 'assistant', content: '' });
    for await (const content of piecesOf(reply)) yield chunk({ content });
    if (reply.kind === 'call') yield chunk({ tool_calls: [{ index: 0, ...callOf(reply) }] });
    yield chunk({}, finishOf(reply));
    yield { data: { ...chunk({}).data, choices: [], usage: USAGE } };
    yield { data: '[DONE]' };
  },
  whole: (reply) => ({
    id: newId('chatcmpl'),
    object: 'chat.completion',
    ...ABOUT,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: textOf(reply),
          ...(reply.kind === 'call' && { tool_calls: [callOf(reply)] }),
        },
        finish_reason: finishOf(reply),
      },
    ],
    usage: USAGE,
  }),
};

const ABOUT = { created: 1, model: 'fake' };
const USAGE = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };

function finishOf({ kind }: Reply): string {
  return kind === 'call' ? 'tool_calls' : 'stop';
}

function callOf({ tool, args }: Extract<Reply, { kind: 'call' }>): Json {
  return { id: newId('call'), type: 'function', function: { name: tool.name, arguments: JSON.stringify(args) } };
}
