import type { MessageCall } from './messages.ts';

/** What a response is made of, as its clients read it. */
export type OutputItem = ReturnType<typeof messageItem | typeof reasoningItem | typeof callItem>;

const ids = { message: 'msg', reasoning: 'rs', call: 'fc' } as const;

/** An id that nobody else has. */
export const newItemId = (kind: keyof typeof ids): string => `${ids[kind]}_${crypto.randomUUID().replaceAll('-', '')}`;

export const textPart = (text: string) => ({ type: 'output_text' as const, text, annotations: [], logprobs: [] });
export const summaryPart = (text: string) => ({ type: 'summary_text' as const, text });

/** @param text undefined: it is only begun */
export const messageItem = (id: string, text?: string) => ({
  type: 'message' as const,
  id,
  status: text === undefined ? ('in_progress' as const) : ('completed' as const),
  role: 'assistant' as const,
  content: text === undefined ? [] : [textPart(text)],
});

/** @param text undefined: it is only begun */
export const reasoningItem = (id: string, text?: string) => ({
  type: 'reasoning' as const,
  id,
  summary: text === undefined ? [] : [summaryPart(text)],
});

/** @param isWhole false: it is only begun */
export const callItem = (itemId: string, { id, name, arguments: args }: MessageCall, isWhole: boolean) => ({
  type: 'function_call' as const,
  id: itemId,
  call_id: id,
  name,
  arguments: isWhole ? args : '',
  status: isWhole ? ('completed' as const) : ('in_progress' as const),
});
