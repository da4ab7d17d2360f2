import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Message } from '../support/linked.ts';

/** One request as the server got it. */
export interface Asked {
  headers: IncomingHttpHeaders;
  url: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  body: any;
}

/** How a model's server answers. */
export interface FakeAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** Written one by one, each as an event: an object as JSON, a string as it is. */
  events?: readonly (object | string)[];
  /** Written as it is, in these pieces. */
  raw?: readonly (string | Buffer)[];
  /** What comes after: the end of the stream (with `[DONE]` where there were events), a broken connection, or nothing. */
  ends?: 'end' | 'cut' | 'nothing';
}

/** A server that speaks chat completions, and answers what a test says, one answer a request. */
export class FakeModel {
  readonly url: string;
  readonly asked: Asked[] = [];
  /** Connections whose client went before the answer was over. */
  left = 0;
  #answers: FakeAnswer[] = [];
  readonly #waiting: { count: number; resolve: () => void }[] = [];
  readonly #leaving: (() => void)[] = [];

  private constructor(url: string) {
    this.url = url;
  }

  static async start(...answers: FakeAnswer[]): Promise<FakeModel> {
    const server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (piece) => {
        text += piece;
      });
      request.on('end', () =>
        model.#answer({ headers: request.headers, url: request.url, body: JSON.parse(text) }, response),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const model = new FakeModel(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
    model.#answers = answers;
    return model;
  }

  /** What comes next, after what is there already. */
  next(...answers: FakeAnswer[]): void {
    this.#answers.push(...answers);
  }

  /** Resolves once it was asked so often. */
  async wasAsked(count: number): Promise<void> {
    if (this.asked.length >= count) return;
    await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
  }

  /** Resolves once somebody has left in the middle. */
  async wasLeft(): Promise<void> {
    if (this.left > 0) return;
    await new Promise<void>((resolve) => this.#leaving.push(resolve));
  }

  #answer(asked: Asked, response: ServerResponse): void {
    this.asked.push(asked);
    for (const { count, resolve } of this.#waiting) if (this.asked.length >= count) resolve();
    response.on('close', () => {
      if (response.writableFinished) return;
      this.left += 1;
      for (const resolve of this.#leaving) resolve();
    });
    const { status = 200, headers = {}, events, raw = [], ends = 'end' } = this.#answers.shift() ?? { status: 599 };
    response.writeHead(status, { 'content-type': events ? 'text/event-stream' : 'application/json', ...headers });
    for (const piece of raw) response.write(piece);
    for (const event of events ?? [])
      response.write(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
    if (ends === 'end') response.end(events ? 'data: [DONE]\n\n' : undefined);
    // Once what was written is on its way.
    else if (ends === 'cut') setImmediate(() => response.destroy());
    else response.flushHeaders();
  }
}

/** A chunk of a streamed answer. */
export const delta = (fields: object, finish_reason: string | null | undefined = null): Message => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta: fields, ...(finish_reason === undefined ? {} : { finish_reason }) }],
});

/** An answer that says this. */
export const says = (...words: string[]): FakeAnswer => ({
  events: [...words.map((content) => delta({ content })), delta({}, 'stop')],
});

/** An answer that wants these tools called. */
export const calls = (...wanted: [name: string, args: object | string][]): FakeAnswer => ({
  events: [
    ...wanted.map(([name, args], index) =>
      delta({
        tool_calls: [
          {
            index,
            id: `id-${index}`,
            type: 'function',
            function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) },
          },
        ],
      }),
    ),
    delta({}, 'tool_calls'),
  ],
});
