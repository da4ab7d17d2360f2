import { type Dialect, type Json, joined, newId, piecesOf, type SentEvent, textOf } from './dialect.ts';
import type { Reply, Tool } from './script.ts';

/** `POST /v1/responses` of OpenAI's API, with tools in namespaces as codex sends them. */
export const openaiResponses: Dialect = {
  answers: (path) => path.endsWith('/responses'),
  isStream: (_, { stream }) => stream === true,
  read({ input = [], tools = [] }) {
    const items: Json[] = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
    const last = items.at(-1);
    return {
      said: items.filter(({ role }) => role === 'user').map(({ content }) => joined(content)),
      result: last?.type === 'function_call_output' ? wordsOf(last.output) : undefined,
      tools: tools.flatMap((tool: Json) => toolsOf(tool)),
    };
  },
  async *stream(reply) {
    let sequence_number = 0;
    const event = (type: string, fields: Json): SentEvent => ({
      event: type,
      data: { type, sequence_number: sequence_number++, ...fields },
    });
    const item = itemOf(reply);
    const whole = responseOf([item]);
    const begun = { ...whole, status: 'in_progress', output: [], usage: null };
    const at = { output_index: 0, item_id: item.id };
    yield event('response.created', { response: begun });
    yield event('response.in_progress', { response: begun });
    const open = reply.kind === 'call' ? { arguments: '' } : { content: [] };
    yield event('response.output_item.added', { output_index: 0, item: { ...item, status: 'in_progress', ...open } });
    if (reply.kind === 'call') {
      yield event('response.function_call_arguments.done', { ...at, arguments: item.arguments });
    } else {
      const text = { ...at, content_index: 0 };
      yield event('response.content_part.added', { ...text, part: partOf('') });
      for await (const delta of piecesOf(reply)) yield event('response.output_text.delta', { ...text, delta });
      yield event('response.output_text.done', { ...text, text: textOf(reply) });
      yield event('response.content_part.done', { ...text, part: partOf(textOf(reply)) });
    }
    yield event('response.output_item.done', { output_index: 0, item });
    yield event('response.completed', { response: whole });
  },
  whole: (reply) => responseOf([itemOf(reply)]),
};

function toolsOf({ type, name, parameters, tools = [] }: Json): Tool[] {
  if (type === 'namespace') return tools.flatMap(toolsOf).map((tool: Tool) => ({ ...tool, namespace: name }));
  return type === 'function' ? [{ name, parameters: Object.keys(parameters?.properties ?? {}) }] : [];
}

function wordsOf(output: unknown): string {
  return joined(output) || JSON.stringify(output);
}

function partOf(text: string): Json {
  return { type: 'output_text', text, annotations: [] };
}

function itemOf(reply: Reply): Json {
  const status = 'completed';
  if (reply.kind === 'text') {
    return { id: newId('msg'), type: 'message', role: 'assistant', status, content: [partOf(textOf(reply))] };
  }
  const { name, namespace } = reply.tool;
  const call = { call_id: newId('call'), name, ...(namespace && { namespace }), arguments: JSON.stringify(reply.args) };
  return { id: newId('fc'), type: 'function_call', status, ...call };
}

function responseOf(output: Json[]): Json {
  const usage = {
    input_tokens: 5,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 3,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 8,
  };
  return { id: newId('resp'), object: 'response', created_at: 1, model: 'fake', status: 'completed', output, usage };
}
