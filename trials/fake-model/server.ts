import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropic } from './anthropic.ts';
import { type Dialect, type Json, send } from './dialect.ts';
import { gemini } from './gemini.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiResponses } from './openai-responses.ts';
import { type Asked, replyTo } from './script.ts';

const DIALECTS: readonly Dialect[] = [gemini, anthropic, openaiChat, openaiResponses];

/**
 * A model on the loopback address that does what {@link replyTo} reads in the prompts, by the APIs of Gemini, Anthropic and
 * OpenAI (chat completions and responses) on one port. Any key is taken.
 */
export class FakeModel {
  readonly #server: Server;
  /** What it was asked so far. */
  readonly asked: Asked[] = [];
  /** Requests to what it does not have, as `METHOD PATH`. */
  readonly unknown: string[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: Error) => {
        if (response.headersSent) return response.destroy();
        json(response, 500, { error: { type: 'api_error', message: error.message } });
      });
    });
  }

  static async start(): Promise<FakeModel> {
    const model = new FakeModel();
    model.#server.listen(0, '127.0.0.1');
    await once(model.#server, 'listening');
    return model;
  }

  /** `http://127.0.0.1:PORT`, without a path. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends it, and every stream that still runs. */
  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const dialect = request.method === 'POST' && DIALECTS.find((it) => it.answers(pathname));
    if (!dialect) return this.#other(`${request.method} ${pathname}`, response);
    const body: Json = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const asked = dialect.read(body);
    this.asked.push(asked);
    const reply = replyTo(asked);
    if (dialect.isStream(pathname, body)) return send(response, dialect.stream(reply));
    json(response, 200, dialect.whole(reply));
  }

  /** What agents ask beside answers. */
  #other(what: string, response: ServerResponse): void {
    if (/(count_tokens|:countTokens)$/.test(what)) {
      json(response, 200, { input_tokens: 5, totalTokens: 5 });
      return;
    }
    if (!this.unknown.includes(what)) this.unknown.push(what);
    json(response, 404, { error: { type: 'not_found_error', message: `there is no ${what}` } });
  }
}

function json(response: ServerResponse, status: number, body: Json): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
