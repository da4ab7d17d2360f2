import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { type Agent, type Host, McpError, type McpServer, type McpTransport, type Turn } from '../../client/node.ts';
import { ROOT } from '../../docs/render.ts';
import { deferred, RealBroker, rejection } from './real-broker.ts';

const SERVER = join(ROOT, 'test/support/mcp-server.mjs');

/** A broker, a host, and an agent that does in its turn what a test says. */
async function stage() {
  const real = await RealBroker.start();
  let next: (turn: Turn) => Promise<unknown> = async () => undefined;
  const agent: Agent = await real.agent(async (turn) => void (await next(turn)));
  const host = await real.host();
  /** Has the agent do something with this host's tools; gives what came of it. */
  const inTurn = async <T>(act: (turn: Turn) => Promise<T>): Promise<T> => {
    let outcome: () => T = () => {
      throw new Error('the agent was not asked');
    };
    next = async (turn) => {
      try {
        const value = await act(turn);
        outcome = () => value;
      } catch (error) {
        outcome = () => {
          throw error;
        };
      }
    };
    await host.chat('echo', 'go').text();
    return outcome();
  };
  const call = (tool: string, args: object = {}) => inTurn((turn) => turn.tools.call(tool, args));
  return { real, host, agent, inTurn, call };
}

function stdio(env: Record<string, string> = {}): StdioClientTransport {
  return new StdioClientTransport({ command: process.execPath, args: [SERVER], env, stderr: 'ignore' });
}

function notes(): { env: { NOTES: string }; read(): string } {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'notes');
  return { env: { NOTES: path }, read: () => readFileSync(path, 'utf8') };
}

const TOOLS = ['child', 'die', 'echo', 'fail', 'grow', 'picture', 'slow', 'sum', 'variables'];

describe('the tools of a real MCP server on stdio', () => {
  it('are offered under their own names, with their schemas, and do what they do', async () => {
    const { host, call } = await stage();
    const server = await host.mcp(stdio());
    expect(server).toMatchObject({ name: 'toolbox', version: '1.2.3', tools: TOOLS });
    const told = await host.tools();
    expect(told.map(({ name }) => name)).toEqual(TOOLS);
    expect(told.find(({ name }) => name === 'echo')).toMatchObject({
      description: 'Says it again',
      parameters: { type: 'object', properties: { words: { type: 'string' } }, required: ['words'] },
    });
    expect(await call('echo', { words: 'hello' })).toBe('hello');
    expect(await call('sum', { a: 20, b: 22 })).toEqual({ sum: 42 });
    expect(await call('picture')).toEqual({ type: 'image', data: 'aGk=', mimeType: 'image/png' });
  });

  it('fail with the words of the server', async () => {
    const { host, call } = await stage();
    await host.mcp(stdio());
    expect(await rejection(call('fail'))).toMatchObject({ message: expect.stringContaining('the disk is full') });
    expect(await rejection(call('echo', { words: 5 }))).toMatchObject({ message: expect.stringContaining('words') });
    expect(await rejection(call('echo', ['hello']))).toMatchObject({
      message: expect.stringContaining('echo takes an object, not an array'),
    });
  });

  it('pass on progress, and are cancelled', async () => {
    const { host, inTurn } = await stage();
    const { env, read } = notes();
    const server = await host.mcp(stdio(env));
    const heard: unknown[] = [];
    const why = new Error('no longer needed');
    const error = await inTurn((turn) => {
      const controller = new AbortController();
      const onProgress = (progress: unknown) => {
        heard.push(progress);
        controller.abort(why);
      };
      return rejection(turn.tools.call('slow', {}, { signal: controller.signal, onProgress }));
    });
    expect(error).toBe(why);
    expect(heard).toMatchObject([{ progress: { progress: 1, total: 2 }, message: 'half' }]);
    // Answered after the cancel, which it has heard by then.
    await inTurn((turn) => turn.tools.call('echo', { words: 'still there' }));
    expect(read()).toContain('cancelled');
    await server.close();
  });

  it('follow the changes of the server', async () => {
    const { host, call } = await stage();
    const changes: string[] = [];
    let heard = deferred();
    const onTools = (names: readonly string[]) => {
      changes.push(names.filter((name) => !TOOLS.includes(name)).join());
      heard.resolve();
    };
    const server = await host.mcp(stdio(), { onTools });
    const until = async (state: string) => {
      while (changes.at(-1) !== state) {
        await heard.promise;
        heard = deferred();
      }
    };
    await call('grow');
    await until('grown,shrink');
    expect(server.tools).toContain('grown');
    expect(await call('grown')).toBe('new');
    await call('shrink');
    await until('shrink');
    expect((await host.tools()).map(({ name }) => name)).not.toContain('grown');
  });

  it('when the server dies › are gone, and a call that was under way says why', async () => {
    const { host, call } = await stage();
    const server = await host.mcp(stdio());
    const error = await rejection(call('die'));
    expect(error).toMatchObject({ message: 'toolbox has ended' });
    expect(await server.closed).toBeInstanceOf(McpError);
    expect(server.tools).toEqual([]);
    expect(await host.tools()).toEqual([]);
  });

  it('when it is closed › are gone, and others of the host stay', async () => {
    const { host, call } = await stage();
    await host.tool('own', {}, () => 'mine');
    await using server = await host.mcp(stdio());
    expect(await host.tools()).toHaveLength(TOOLS.length + 1);
    await server.close();
    expect(await server.closed).toBeUndefined();
    expect((await host.tools()).map(({ name }) => name)).toEqual(['own']);
    expect(await call('own')).toBe('mine');
  });

  it('when the host is closed › end with it', async () => {
    const { host } = await stage();
    const server = await host.mcp(stdio());
    await host.close();
    await server.closed;
  });
});

/** A server whose answers a test makes up, in this process. */
class Scripted implements McpTransport {
  onmessage?: (message: never) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly heard: {
    id?: number;
    method?: string;
    params?: Record<string, unknown>;
    error?: unknown;
    result?: unknown;
  }[] = [];
  isClosed = false;
  readonly #answers: Record<string, (params: Record<string, unknown>) => unknown>;

  constructor(answers: Record<string, (params: Record<string, unknown>) => unknown> = {}) {
    this.#answers = {
      initialize: () => ({
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'scripted' },
      }),
      'tools/list': () => ({ tools: [{ name: 'one', inputSchema: { type: 'object' } }] }),
      ...answers,
    };
  }

  async start(): Promise<void> {}

  async send(message: never): Promise<void> {
    const {
      id,
      method = '',
      params = {},
    } = message as { id?: number; method?: string; params?: Record<string, unknown> };
    this.heard.push(message);
    const answer = this.#answers[method]?.(params);
    if (id !== undefined && answer !== undefined)
      queueMicrotask(() =>
        this.say({ id, ...(Object(answer).error ? { error: Object(answer).error } : { result: answer }) }),
      );
  }

  say(message: object): void {
    this.onmessage?.({ jsonrpc: '2.0', ...message } as never);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.onclose?.();
  }
}

describe('an MCP server', () => {
  const hostOf = async (): Promise<Host> => (await RealBroker.start()).host();
  const initialize = (fields: object) => () => ({
    protocolVersion: '2025-06-18',
    capabilities: { tools: {} },
    serverInfo: { name: 'scripted' },
    ...fields,
  });

  test.each<[what: string, transport: () => Scripted, says: string]>([
    [
      'that speaks another version',
      () => new Scripted({ initialize: initialize({ protocolVersion: '1999-01-01' }) }),
      '"1999-01-01" of MCP',
    ],
    [
      'without tools',
      () => new Scripted({ initialize: initialize({ capabilities: {} }) }),
      'scripted is an MCP server that offers no tools',
    ],
    [
      'that refuses',
      () => new Scripted({ initialize: () => ({ error: { code: -1, message: 'not today' } }) }),
      'not today',
    ],
    ['that is silent', () => new Scripted({ initialize: () => undefined }), 'has not answered initialize'],
    [
      'that lists nothing that can be read',
      () => new Scripted({ 'tools/list': () => ({ tools: 5 }) }),
      'lists no tools',
    ],
  ])('%s › is refused, in its own words, and closed', async (_what, make, says) => {
    const host = await hostOf();
    const transport = make();
    const error = await rejection(host.mcp(transport, { startTimeoutMs: 50 }));
    expect(error).toBeInstanceOf(McpError);
    expect((error as Error).message).toContain(says);
    expect(transport.isClosed).toBe(true);
    expect(await host.tools()).toEqual([]);
  });

  it('whose program does not exist › is refused', async () => {
    const host = await hostOf();
    const error = await rejection(host.mcp(new StdioClientTransport({ command: '/no/such/program' })));
    expect(error).toBeInstanceOf(McpError);
    expect((error as Error).message).toContain('does not start');
  });

  it('that was connected before, or is none › is a TypeError', async () => {
    const host = await hostOf();
    expect(await rejection(host.mcp({} as never))).toBeInstanceOf(TypeError);
    expect(await rejection(host.mcp(new Scripted(), { timeout: 5 } as never))).toBeInstanceOf(TypeError);
  });

  it('lists page by page, and is not read for ever', async () => {
    const host = await hostOf();
    let pages = 0;
    const server = await host.mcp(
      new Scripted({
        'tools/list': ({ cursor }) => {
          pages += 1;
          return { tools: [{ name: `tool-${cursor ?? 'first'}` }, { name: 5 }, null], nextCursor: String(pages) };
        },
      }),
    );
    expect(pages).toBe(100);
    expect(server.tools).toHaveLength(100);
    expect(server.tools).toContain('tool-first');
  });

  it('offers what the broker takes; what it does not, or runs as a task alone, is said', async () => {
    const host = await hostOf();
    const skipped: string[] = [];
    const tools = [
      { name: 'good' },
      { name: 'x'.repeat(257) },
      { name: 'task', execution: { taskSupport: 'required' } },
      { name: 'huge', description: 'x'.repeat(300 * 1024) },
    ];
    const server = await host.mcp(new Scripted({ 'tools/list': () => ({ tools }) }), {
      onSkipped: (name) => skipped.push(name.slice(0, 4)),
    });
    expect(server.tools).toEqual(['good']);
    expect(skipped.sort()).toEqual(['huge', 'task', 'xxxx']);
  });

  it('is answered a ping, and told of anything else that it is not known', async () => {
    const host = await hostOf();
    const transport = new Scripted();
    await host.mcp(transport);
    transport.say({ id: 'a', method: 'ping' });
    transport.say({ id: 'b', method: 'sampling/createMessage', params: {} });
    expect(transport.heard.slice(-2)).toMatchObject([
      { id: 'a', result: {} },
      { id: 'b', error: { code: -32601 } },
    ]);
  });

  it('may say what it likes: what is no message, or answers nothing, is nothing', async () => {
    const host = await hostOf();
    const transport = new Scripted();
    const server: McpServer = await host.mcp(transport);
    for (const message of [null, 5, 'x', [], {}, { id: 99, result: 1 }, { id: null }, { method: 5 }])
      transport.onmessage?.(message as never);
    transport.say({ method: 'notifications/progress' });
    transport.say({ method: 'notifications/progress', params: { progressToken: 77 } });
    expect(server.tools).toEqual(['one']);
  });
});
