import { isOwnMethod } from '../../protocol/methods.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { isWritable } from '../kernel/wire-errors.ts';

/** What a notification is on the wire besides its name and its parameters: `{"jsonrpc":"2.0","method":,"params":}`. */
const FRAME_BYTES = 37;

/**
 * Sends an embedder's own notification to one connection. Whether it was there to be sent to.
 * @throws {TypeError} where it is no notification of an embedder's. @throws {RangeError} where it is too large.
 */
export function notifyClient(kernel: Kernel, clientId: string, method: string, params: object): boolean {
  if (typeof method !== 'string' || method === '') throw new TypeError('broker.notify: method is a name');
  // The broker's own say how turns and streams stand: a client would believe what has not happened.
  if (isOwnMethod(method)) throw new TypeError(`broker.notify: ${method} is the broker's own`);
  const text = isWritable(params) ? writeJson(params) : '';
  if (!text.startsWith('{') && !text.startsWith('['))
    throw new TypeError('broker.notify: params is a JSON object or array, no deeper than 200 levels');
  const bytes = FRAME_BYTES + Buffer.byteLength(writeJson(method)) + Buffer.byteLength(text);
  const { maxMessageBytes } = kernel.limits;
  if (bytes > maxMessageBytes)
    throw new RangeError(`broker.notify: ${bytes} bytes, and limits.maxMessageBytes is ${maxMessageBytes}`);
  const client = kernel.clients.get(clientId);
  if (!client?.isOpen || (client.needsAuth && !client.identity)) return false;
  tell(kernel.ref, client.ref, { type: 'rpc.notify', method, params: new JsonText(text) });
  return true;
}
