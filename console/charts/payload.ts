import { isObject } from '../../protocol/json.ts';

/** What people call an event of that type and payload. */
export function nameOf(event: string, payload: unknown): string {
  if (event === 'chat.token' || event === 'text') return 'token';
  const params = paramsOf(payload);
  const kind = field(params, 'kind');
  const method = methodOf(payload);
  // A turn that can be resumed hands on whole frames; of a very long one nothing but its length is told.
  if (event === 'chat.frame') return kind ?? 'agents.chat.event';
  if (method === 'agent.chat.event' || method === 'agents.chat.event') return kind ?? method;
  return method ?? (/^(chat|turn|approval)\./.test(event) ? kind : undefined) ?? event;
}

/** A text in an object; undefined where there is none. */
export function field(value: unknown, key: string): string | undefined {
  const found = isObject(value) ? value[key] : undefined;
  return typeof found === 'string' ? found : undefined;
}

/** What a message is about: its parameters, or itself where it has none. */
export const paramsOf = (payload: unknown): unknown => (isObject(payload) ? (payload.params ?? payload) : undefined);

/** The method of a request or notification. */
export const methodOf = (payload: unknown): string | undefined => field(payload, 'method');
