import { type Dialect, type Json, joined, newId, piecesOf, textOf } from './dialect.ts';
import { hasCommand, type Reply } from './script.ts';

/** `POST /v1/messages` of Anthropic's API. */
export const anthropic: Dialect = {
  answers: (path) => path.endsWith('/v1/messages'),
  isStream: (_, { stream }) => stream === true,
  read({ messages = [], tools = [] }) {
    const turns: Json[] = messages;
    // What a person says after a call was broken off comes in one message with its result.
    const last = turns.at(-1)?.content;
    const result = hasCommand(joined(last)) ? undefined : resultsOf(last).at(-1);
    return {
      said: turns.filter(({ role }) => role === 'user').map(({ content }) => joined(content)),
      result: result && joined(result.content),
      tools: tools.map(({ name, input_schema }: Json) => ({
        name,
        parameters: Object.keys(input_schema?.properties ?? {}),
      })),
    };
  },
  async *stream(reply) {
    yield event({ type: 'message_start', message: { ...messageOf([]), stop_reason: null } });
    yield event({
      type: 'content_block_start',
      index: 0,
      content_block: reply.kind === 'call' ? { ...useOf(reply), input: {} } : { type: 'text', text: '' },
    });
    for await (const text of piecesOf(reply)) yield delta({ type: 'text_delta', text });
    if (reply.kind === 'call') yield delta({ type: 'input_json_delta', partial_json: JSON.stringify(reply.args) });
    yield event({ type: 'content_block_stop', index: 0 });
    yield event({
      type: 'message_delta',
      delta: { stop_reason: stopOf(reply), stop_sequence: null },
      usage: { output_tokens: 3 },
    });
    yield event({ type: 'message_stop' });
  },
  whole: (reply) => ({
    ...messageOf([reply.kind === 'call' ? useOf(reply) : { type: 'text', text: textOf(reply) }]),
    stop_reason: stopOf(reply),
  }),
};

function resultsOf(content: unknown): Json[] {
  return Array.isArray(content) ? content.filter((part: Json) => part.type === 'tool_result') : [];
}

function stopOf({ kind }: Reply): string {
  return kind === 'call' ? 'tool_use' : 'end_turn';
}

function useOf({ tool, args }: Extract<Reply, { kind: 'call' }>): Json {
  return { type: 'tool_use', id: newId('toolu'), name: tool.name, input: args };
}

function messageOf(content: Json[]): Json {
  const usage = { input_tokens: 5, output_tokens: 3 };
  return { id: newId('msg'), type: 'message', role: 'assistant', model: 'fake', content, stop_sequence: null, usage };
}

const event = (data: Json & { type: string }) => ({ event: data.type, data });
const delta = (of: Json) => event({ type: 'content_block_delta', index: 0, delta: of });
