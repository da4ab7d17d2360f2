import type { ConnectionEvent } from '../machines/connection.machine.ts';
import { CloseCode } from '../protocol/close-codes.ts';
import { isChatEvent } from '../protocol/events.ts';
import { decodeFrame } from '../protocol/frame.ts';
import { isTooDeep } from '../protocol/json.ts';
import type { Client } from './client.ts';

/** Connects a link to its connection's actor: each frame is decoded and checked here, once. */
export function openLink(client: Client): void {
  client.link.open({
    text: (data, bytes) => client.ref.send(decodePeerFrame(data, bytes)),
    binary: () => client.ref.send({ type: 'connection.close', code: CloseCode.UnsupportedData }),
    closed: (code) => client.ref.send({ type: 'link.closed', code }),
  });
}

/** One text frame as the event that the connection's actor hears. Of an agent's events only checked ones get by. */
export function decodePeerFrame(text: string, bytes: number): ConnectionEvent {
  const frame = decodeFrame(text);
  switch (frame.kind) {
    case 'notification':
      if (frame.method === 'agent.chat.event' && isChatEvent(frame.params) && !isTooDeep(frame.params)) {
        return { type: 'chat.event.received', params: frame.params, bytes };
      }
      return { type: 'rpc.notification', method: frame.method, params: frame.params };
    case 'request':
      return { type: 'rpc.request', id: frame.id, method: frame.method, params: frame.params };
    case 'response': {
      const { id, result, error } = frame;
      if (isTooDeep(error ?? result)) return { type: 'rpc.response', id, error: TOO_DEEP };
      return error ? { type: 'rpc.response', id, error } : { type: 'rpc.response', id, result };
    }
    case 'bad':
      return { type: 'rpc.bad', id: frame.id, error: frame.error };
  }
}

/** Stands for an answer that could be read but never written again. */
const TOO_DEEP = { code: -32602, message: 'the answer was nested too deeply' };
