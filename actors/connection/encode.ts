import type { OutwardEvent } from '../../machines/connection.machine.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { JsonText } from '../kernel/json-text.ts';

/** What goes out as a text frame of its own. A plain token is put together by the link, which may merge it before. */
export type Framed = Exclude<OutwardEvent, { type: 'chat.token' | 'audio.deliver' }>;

/** One outward event as the text of its frame. */
export function encode(event: Framed): string {
  switch (event.type) {
    case 'chat.deliver':
      return chatFrame(event.params);
    case 'chat.frame':
      return event.text;
    case 'voice.deliver':
      return `{"jsonrpc":"2.0","method":"voice.event","params":${writeJson(event.params)}}`;
    case 'rpc.reply':
      if (event.result instanceof JsonText) {
        return `{"jsonrpc":"2.0","id":${writeJson(event.id)},"result":${event.result.text}}`;
      }
      return writeJson({ jsonrpc: '2.0', id: event.id, result: resultOf(event) });
    case 'rpc.fail':
      return writeJson({ jsonrpc: '2.0', id: event.id ?? null, error: event.error.toObject() });
    case 'rpc.relay':
      return writeJson({ jsonrpc: '2.0', id: event.id, ...event.answer });
    case 'rpc.call':
      if (event.params instanceof JsonText) {
        const head = `{"jsonrpc":"2.0","id":${writeJson(event.id)},"method":${writeJson(event.method)}`;
        return `${head},"params":${event.params.text}}`;
      }
      return writeJson({ jsonrpc: '2.0', id: event.id, method: event.method, params: event.params });
    case 'rpc.notify':
      if (event.params instanceof JsonText) {
        return `{"jsonrpc":"2.0","method":${writeJson(event.method)},"params":${event.params.text}}`;
      }
      return writeJson({ jsonrpc: '2.0', method: event.method, params: event.params });
  }
}

/** One stamped event of a turn as the text of its frame. */
export function chatFrame(params: JsonObject): string {
  return `{"jsonrpc":"2.0","method":"agents.chat.event","params":${writeJson(params)}}`;
}

function resultOf({ result, sealed }: Extract<OutwardEvent, { type: 'rpc.reply' }>): unknown {
  return sealed === undefined ? (result ?? null) : { ...(result as object), ...sealed.open() };
}
