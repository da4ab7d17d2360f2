import type { ServerResponse } from 'node:http';
import type { Asked, Reply } from './script.ts';

/** How one API says what {@link Asked} and {@link Reply} are. */
export interface Dialect {
  /** Whether a path is one that it streams answers at. */
  answers(path: string): boolean;
  /** What a request's body asks. */
  read(body: Json): Asked;
  /** Whether a request wants a stream. */
  isStream(path: string, body: Json): boolean;
  /** An answer's events, one after the other. */
  stream(reply: Reply): AsyncIterable<SentEvent>;
  /** An answer whole. */
  whole(reply: Reply): Json;
}

/** A JSON object whose fields nobody has checked. */
// biome-ignore lint/suspicious/noExplicitAny: bodies of four APIs, of which a few fields each are read
export type Json = Record<string, any>;

/** A server-sent event; a text is sent as it is. */
export interface SentEvent {
  event?: string;
  data: Json | string;
}

/** A reply's text a piece at a time, as slowly as it wants to be; a call has none. */
export async function* piecesOf(reply: Reply): AsyncIterable<string> {
  if (reply.kind !== 'text') return;
  for (const piece of reply.pieces) {
    yield piece;
    if (reply.everyMs > 0) await new Promise((after) => setTimeout(after, reply.everyMs));
  }
}

/** A reply's text whole. */
export function textOf(reply: Reply): string {
  return reply.kind === 'text' ? reply.pieces.join('') : '';
}

/** The text of a content that is a string, or a list of parts, some of which have a text. */
export function joined(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: Json) => (typeof part.text === 'string' ? part.text : '')).join('\n');
}

/** Streams events until they end or the reader goes. */
export async function send(response: ServerResponse, events: AsyncIterable<SentEvent>): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for await (const { event, data } of events) {
    if (response.destroyed) return;
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    response.write(`${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`);
  }
  response.end();
}

/** An id that no other has. */
export function newId(prefix: string): string {
  return `${prefix}_${crypto.randomUUID().replaceAll('-', '')}`;
}
