import { type Dialect, type Json, joined, piecesOf, textOf } from './dialect.ts';
import type { Reply, Tool } from './script.ts';

/** `models/M:generateContent` and `:streamGenerateContent` of Gemini's API. */
export const gemini: Dialect = {
  answers: (path) => /:(streamGenerate|generate)Content$/.test(path),
  isStream: (path) => path.includes(':stream'),
  read({ contents = [], tools = [], generationConfig = {} }) {
    const turns: Json[] = contents;
    const answered = (turns.at(-1)?.parts ?? []).find((part: Json) => part.functionResponse);
    return {
      said: turns
        .filter(({ role, parts }) => role === 'user' && !parts.some((part: Json) => part.functionResponse))
        .map(({ parts }) => joined(parts)),
      result: answered && JSON.stringify(answered.functionResponse.response),
      tools: tools.flatMap(({ functionDeclarations = [] }: Json) => functionDeclarations.map(toolOf)),
      schema: generationConfig.responseJsonSchema ?? generationConfig.responseSchema,
    };
  },
  async *stream(reply) {
    for await (const piece of piecesOf(reply)) yield { data: chunk([{ text: piece }]) };
    yield { data: chunk(callOf(reply), 'STOP') };
  },
  whole: (reply) => chunk(reply.kind === 'text' ? [{ text: textOf(reply) }] : callOf(reply), 'STOP'),
};

function toolOf({ name, parameters, parametersJsonSchema }: Json): Tool {
  return { name, parameters: Object.keys((parameters ?? parametersJsonSchema)?.properties ?? {}) };
}

function callOf(reply: Reply): Json[] {
  return reply.kind === 'call' ? [{ functionCall: { name: reply.tool.name, args: reply.args } }] : [{ text: '' }];
}

function chunk(parts: Json[], finishReason?: string): Json {
  return {
    candidates: [{ content: { role: 'model', parts }, ...(finishReason && { finishReason }), index: 0 }],
    usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 3, totalTokenCount: 8 },
  };
}
