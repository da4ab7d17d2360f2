import type { AnyMessage, Stream } from '@agentclientprotocol/sdk';
import { unread } from '../../protocol/frame-scan.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { Link } from '../../protocol/link.ts';
import { RequestError } from '../../sdks/acp.ts';

/** How often is looked whether a slow reader has read. Milliseconds. */
const POLL_MS = 20;
/** What is closed with: the end of the other side's doing, a frame that is no text, a fault. */
const CLOSE = { gone: 1001, unsupported: 1003, tooSlow: 1013 } as const;

/**
 * A WebSocket as ACP's SDK reads and writes one: a message in each text frame. While its peer does not read, nothing more is
 * written, nor read: whoever does not hear answers asks for none.
 */
export function linkStream(link: Link, { softLimitBytes }: Pick<Limits, 'softLimitBytes'>): Stream {
  let isClosed = false;
  let input: ReadableStreamDefaultController<AnyMessage> | undefined;
  const end = () => {
    if (isClosed) return;
    isClosed = true;
    try {
      input?.close();
    } catch {
      // Its reader has left.
    }
  };
  const close = (code: number) => {
    if (!isClosed) link.close(code, '');
    end();
  };
  const send = (message: object) => link.send(JSON.stringify(message));
  const refuse = ({ code, message }: RequestError) => send({ jsonrpc: '2.0', id: null, error: { code, message } });
  const readable = new ReadableStream<AnyMessage>({
    start(controller) {
      input = controller;
      link.open({
        text(text) {
          if (isClosed) return;
          const value = parsed(text);
          if (value instanceof RequestError) refuse(value);
          // Whoever reads it says what is no message.
          else controller.enqueue(value as AnyMessage);
          if ((controller.desiredSize ?? 1) <= 0) link.pause?.();
        },
        binary: () => close(CLOSE.unsupported),
        overrun: () => close(CLOSE.tooSlow),
        closed: end,
      });
    },
    pull: () => link.resume?.(),
    cancel: () => close(CLOSE.gone),
  });
  const writable = new WritableStream<AnyMessage>({
    async write(message) {
      send(message);
      if (link.waitingBytes <= softLimitBytes) return;
      link.pause?.();
      while (!isClosed && link.waitingBytes > softLimitBytes) await new Promise((read) => setTimeout(read, POLL_MS));
      link.resume?.();
    },
    close: () => close(CLOSE.gone),
    abort: () => close(CLOSE.gone),
  });
  return { readable, writable };
}

/** JSON, of which what would be too much to read is refused unread. */
function parsed(text: string): unknown {
  const excess = unread(text);
  if (excess) return new RequestError(-32600, excess.reason);
  try {
    return JSON.parse(text);
  } catch {
    return RequestError.parseError();
  }
}
