import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnyMessage, Stream } from '@agentclientprotocol/sdk';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { RequestError } from '../../sdks/acp.ts';
import { greeting } from './params.ts';

/** How a request ends that was taken back. */
const CANCELLED = { code: -32800, message: 'cancelled' };

/**
 * A client's stream as the SDK may have it: requests, notifications, and answers to what was asked. Of anything else it would
 * print, or say back, whatever a stranger has written, however long that is.
 */
export function guarded({ readable, writable }: Stream): Stream {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  /** The ids of what the client was asked, and has not answered. */
  const asked = new Set<unknown>();
  let input: ReadableStreamDefaultController<AnyMessage> | undefined;

  /** What the SDK is to read of a message; undefined: nothing. */
  const passed = async (message: unknown): Promise<AnyMessage | undefined> => {
    if (isAnswer(message)) return asked.delete(message.id) ? (message as unknown as AnyMessage) : undefined;
    if (isCall(message)) return (message.method === 'initialize' ? greeted(message) : message) as unknown as AnyMessage;
    await writer.write({ jsonrpc: '2.0', id: null, error: RequestError.invalidRequest().toErrorResponse() });
    return undefined;
  };
  const note = (message: JsonObject) => {
    const { method, id, params } = message;
    if (method !== undefined && id !== undefined) asked.add(id);
    // Nobody waits for an answer any more: the SDK would, for as long as the connection lasts.
    if (method === '$/cancel_request' && isObject(params) && asked.delete(params.requestId))
      input?.enqueue({ jsonrpc: '2.0', id: params.requestId as number, error: CANCELLED });
  };
  return {
    readable: new ReadableStream<AnyMessage>(
      {
        start(controller) {
          input = controller;
        },
        async pull(controller) {
          for (;;) {
            // One message a turn of the event loop: what it makes is done before the turn ends, and others wait meanwhile.
            await nextTurn();
            const { done, value } = await reader.read();
            if (done) {
              input = undefined;
              controller.close();
              return;
            }
            const message = await passed(value);
            if (!message) continue;
            controller.enqueue(message);
            return;
          }
        },
        cancel(reason) {
          input = undefined;
          return reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    ),
    writable: new WritableStream<AnyMessage>({
      write(message) {
        note(message as unknown as JsonObject);
        return writer.write(message);
      },
      close: () => writer.close(),
      abort: (reason) => writer.abort(reason),
    }),
  };
}

const isAnswer = (message: unknown): message is JsonObject =>
  isObject(message) && !('method' in message) && ('id' in message || 'result' in message || 'error' in message);

function isCall(message: unknown): message is JsonObject {
  if (!isObject(message) || message.jsonrpc !== '2.0' || typeof message.method !== 'string') return false;
  const { id } = message;
  return id === undefined || id === null || typeof id === 'string' || Number.isFinite(id);
}

const greeted = (message: JsonObject): JsonObject => ({ ...message, params: greeting(message.params) });
