import type { ConnectionEvent } from '../machines/connection.machine.ts';
import { CloseCode } from '../protocol/close-codes.ts';
import { isChatEvent } from '../protocol/events.ts';
import { decodeFrame } from '../protocol/frame.ts';
import { unwritable } from '../protocol/json.ts';
import type { BrokerState } from './broker-state.ts';
import type { Client } from './client.ts';

/** Connects a link to its connection's actor: each frame is decoded and checked here, once. */
export function openLink(state: BrokerState, client: Client): void {
  client.link.open({
    text: (data, bytes) => {
      // Parsing 16 MiB takes seconds: not for somebody who has not said who they are.
      if (bytes > state.limits.maxUnauthenticatedBytes && client.needsAuth && !client.identity) {
        client.ref.send({ type: 'connection.close', code: CloseCode.TooBig });
      } else client.ref.send(decodePeerFrame(data, bytes));
    },
    binary: () => client.ref.send({ type: 'connection.close', code: CloseCode.UnsupportedData }),
    closed: (code) => client.ref.send({ type: 'link.closed', code }),
  });
}

/** One text frame as the event that the connection's actor hears. Of an agent's events only checked ones get by. */
export function decodePeerFrame(text: string, bytes: number): ConnectionEvent {
  const frame = decodeFrame(text);
  switch (frame.kind) {
    case 'notification':
      if (frame.method === 'agent.chat.event' && isChatEvent(frame.params) && unwritable(frame.params) === undefined) {
        return { type: 'chat.event.received', params: frame.params, bytes };
      }
      return { type: 'rpc.notification', method: frame.method, params: frame.params };
    case 'request':
      return { type: 'rpc.request', id: frame.id, method: frame.method, params: frame.params };
    case 'response': {
      const { id, result, error } = frame;
      if (unwritable(error ?? result) !== undefined) return { type: 'rpc.response', id, error: UNWRITABLE };
      return error ? { type: 'rpc.response', id, error } : { type: 'rpc.response', id, result };
    }
    case 'bad':
      return { type: 'rpc.bad', id: frame.id, error: frame.error };
  }
}

/** Stands for an answer that could be read but never written again. */
const UNWRITABLE = { code: -32602, message: 'the answer was nested too deeply, or held a number out of range' };
