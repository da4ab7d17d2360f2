import type { AgentChatParams } from '../../client/node.ts';

/** One message of a chat completion, as the model's server takes it. */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: unknown;
  tool_calls?: readonly object[];
  tool_call_id?: string;
}

/** What the person wrote, with pictures that go with it. */
export function userMessage({ prompt, attachments = [] }: AgentChatParams): ChatMessage {
  if (attachments.length === 0) return { role: 'user', content: prompt };
  const pictures = attachments.map((picture) =>
    picture.type === 'image_base64'
      ? { url: `data:${picture.media_type};base64,${picture.data}` }
      : { url: picture.url, ...(picture.detail === undefined ? {} : { detail: picture.detail }) },
  );
  return {
    role: 'user',
    content: [{ type: 'text', text: prompt }, ...pictures.map((image_url) => ({ type: 'image_url', image_url }))],
  };
}

/** What a host says of a session that this agent has not seen: instructions, and what was said before. */
export function before({ context }: AgentChatParams): { instructions: string | undefined; history: ChatMessage[] } {
  const { instructions, history } = context;
  const said = Array.isArray(history) ? history : [];
  return {
    instructions: typeof instructions === 'string' && instructions !== '' ? instructions : undefined,
    history: said.flatMap((message): ChatMessage[] => {
      const { role, content } = Object(message);
      if ((role !== 'user' && role !== 'assistant') || typeof content !== 'string') return [];
      return [{ role, content }];
    }),
  };
}
