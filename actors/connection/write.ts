import type { AnyActorRef } from 'xstate';
import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { WaitingAudio } from '../../protocol/link.ts';
import { admitBytes } from '../kernel/backlog.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { refusedCall } from '../kernel/refused-call.ts';
import { tell } from '../kernel/tell.ts';
import { encode, type Framed } from './encode.ts';

/** Bytes that one of UTF-16's units takes at most. */
const BYTES_A_UNIT = 3;
/** Shorter calls are not weighed: the limits of what asks for them bound them, and to weigh costs more than they do. */
const SMALL_CALL = 4 * 1024;

/**
 * Writes one frame to a client, unless nobody reads it any more: then it is not even put together. One that is larger
 * than a message may be, for all that was added to what a peer wrote, is never sent: its reader would close (`wire.md`
 * section 1).
 */
export function write(kernel: Kernel, self: AnyActorRef, client: Client, event: Framed, counted?: WaitingAudio): void {
  const { link } = client;
  if (link.isGivenUp) return;
  const text = encode(event);
  if (event.type === 'rpc.call' && text.length > SMALL_CALL) {
    try {
      // Once more: it may have been admitted long ago, and waited at a gate since.
      admitBytes(kernel, client, Buffer.byteLength(text));
    } catch (error) {
      refuseCall(self, client, event.id, error as WireError);
      return;
    }
  }
  if (bytesBeyond(text, kernel.limits.maxMessageBytes)) refuse(kernel, self, client, event);
  else link.send(text, counted);
}

/** Whether a text has more bytes than that. Short ones are not measured. */
export function bytesBeyond(text: string, most: number): boolean {
  return text.length * BYTES_A_UNIT > most && (text.length > most || Buffer.byteLength(text) > most);
}

/** What becomes of a frame that is too large: whoever waits for it hears why, and what nobody waits for is dropped. */
function refuse(kernel: Kernel, self: AnyActorRef, client: Client, event: Framed): void {
  const error = WireError.limitExceeded('max_message_bytes', kernel.limits.maxMessageBytes);
  switch (event.type) {
    case 'rpc.call':
      refuseCall(self, client, event.id, error);
      return;
    case 'rpc.reply':
    case 'rpc.relay':
    case 'rpc.fail':
      client.link.send(encode({ type: 'rpc.fail', id: event.id, error }));
      return;
    default:
      kernel.counters.drop('too_large');
      kernel.log.warn({ client: client.id, event: event.type }, 'dropped a frame that is too large for its reader');
  }
}

/** A request of ours that is not sent is answered in its reader's place. */
function refuseCall(self: AnyActorRef, client: Client, id: RpcId, error: WireError): void {
  const call = client.calls.get(id);
  client.calls.delete(id);
  if (call) tell(self, call.replyTo, { type: 'call.answered', id, answer: refusedCall(error) });
}
