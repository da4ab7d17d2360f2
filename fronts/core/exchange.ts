import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Broker } from '../../broker-api.ts';
import { exactJson } from '../../client/node.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { LOCAL, type Principal, principalKey } from '../../protocol/principal.ts';
import type { Route } from '../../transport/routes.ts';
import type { FrontCore } from './core.ts';
import { EventStream } from './event-stream.ts';
import { cutUnread } from './unread.ts';

/** Who asks, as the broker has found out. */
export type Who = NonNullable<Awaited<ReturnType<Broker['identifyBearer']>>>;

/** Whoever has a turn by a front: who they are, as text too, and when they go. */
export interface Asker {
  readonly who: Who;
  /** See {@link Exchange.owner}. */
  readonly owner: string;
  readonly signal: AbortSignal;
}

/** A text that stands for somebody, and for nobody else: whatever is kept is kept under it. */
export function ownerOf(who: Who): string {
  return principalKey(principalOf(who));
}

export function principalOf({ tenant = LOCAL.tenant, sub = LOCAL.sub }: Who): Principal {
  return { tenant, sub };
}

/** One request, and its response. */
export class Exchange implements Asker {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Below the front's own path. */
  readonly path: string;
  /** What whoever asks calls the broker: `http://127.0.0.1:9100`. */
  readonly origin: string;
  /** What stands behind the question mark. */
  readonly query: URLSearchParams;
  /** Aborts when nobody waits for the response any more. */
  readonly signal: AbortSignal;
  /** Who asks. Of a public route nobody in particular. */
  who: Who = { role: 'client' };
  readonly #core: FrontCore;

  constructor(core: FrontCore, request: IncomingMessage, response: ServerResponse, { path, url, signal }: Route) {
    this.#core = core;
    this.request = request;
    this.response = response;
    this.path = path;
    this.origin = url.origin;
    this.query = url.searchParams;
    this.signal = signal;
  }

  /** See {@link ownerOf}. */
  get owner(): string {
    return ownerOf(this.who);
  }

  /** A header that was sent once; undefined where it is empty. */
  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  /** The body. @throws {FrontError} 400, 408, 413, 415, 429 @throws {ClientGone} */
  read(): Promise<JsonObject> {
    return this.#core.bodies.readObject(this.request);
  }

  /** Answers with JSON. */
  json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
    const text = exactJson.stringify(body);
    this.response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    });
    this.response.end(text);
    cutUnread(this.response, this.#core.limits);
  }

  /** Begins to answer with events. */
  stream(headers: Readonly<Record<string, string>> = {}): EventStream {
    return new EventStream(this.response, this.#core.limits, headers);
  }
}
