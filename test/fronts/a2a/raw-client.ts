import { expect } from 'vitest';

/** What a server of A2A answers by JSON-RPC. */
export interface Answer {
  id?: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says is looked at
  result?: any;
  error?: { code: number; message: string; data?: unknown };
}

/** A client of A2A 1.0 that says what a test likes, and reads what comes. */
export class RawClient {
  url = '';
  token = '';

  /** @param headers beside those of every request, or in their place. @param query with its question mark. */
  async post(body: unknown, headers: Record<string, string> = {}, query = ''): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const all = { ...this.#headers, ...headers };
    return (await fetch(`${this.url}${query}`, { method: 'POST', headers: all, body: text })).json() as Promise<Answer>;
  }

  call(method: string, params: object = {}, headers?: Record<string, string>, query?: string): Promise<Answer> {
    return this.post({ jsonrpc: '2.0', id: 1, method, params }, headers, query);
  }

  /** A stream, which has begun. */
  async open(method: string, params: object, signal?: AbortSignal): Promise<Response> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const response = await fetch(this.url, { method: 'POST', headers: this.#headers, body, signal: signal ?? null });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    return response;
  }

  get #headers() {
    const authorization = `Bearer ${this.token}`;
    return { authorization, 'content-type': 'application/json', 'a2a-version': '1.0' };
  }
}

/** All that a stream says. */
export async function eventsOf(stream: Response): Promise<Answer[]> {
  const text = await stream.text();
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json));
}
