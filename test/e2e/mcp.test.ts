import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, Program, run } from './support/program.ts';

let daemon: Daemon;
let key: string;
beforeAll(async () => {
  daemon = await startDaemon({ flags: ['--demo'] });
  key = await keyFor('asker', 'echo', 'by-hand', 'deaf', 'broken', 'careful');
});

async function keyFor(name: string, ...agents: string[]): Promise<string> {
  const words = agents.flatMap((id) => ['--agent', id]);
  const { out } = await run([CLI, 'keys', 'add', name, ...words], { SWITCHBOARD_HOME: daemon.home });
  return out.trim();
}

const env = (token = key) => ({ SWITCHBOARD_HOME: daemon.home, SWITCHBOARD_AUTH_TOKEN: token });

/** MCP's own client, at the built command. */
async function connect(...flags: string[]) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI, 'mcp', ...flags],
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...env() },
    stderr: 'pipe',
  });
  const client = new Client({ name: 'a test', version: '1' });
  await client.connect(transport);
  onTestFinished(() => client.close());
  const ask = (args: object, options?: Parameters<Client['callTool']>[2]) =>
    client.callTool({ name: 'ask_agent', arguments: { ...args } }, undefined, options);
  return { client, transport, ask };
}

/** Takes the next turn of an agent by hand. */
async function taken(id: string) {
  const agent = await daemon.agent(id);
  const request = async (at = 0) => {
    const next = await agent.when(() => agent.received('agent.chat')[at]);
    agent.answer(next, { accepted: true });
    return next.params;
  };
  return { agent, request };
}

const said = (words: string) => [{ type: 'text', text: words }];

describe('switchboard mcp', () => {
  it('lists the agents of its key, and asks them', async () => {
    await daemon.agent('nobody-s');
    const { client, ask } = await connect();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['list_agents', 'ask_agent']);
    const listed = await client.callTool({ name: 'list_agents' });
    expect(listed.structuredContent).toMatchObject({ agents: [{ id: 'echo' }] });
    const first = await ask({ agent: 'echo', prompt: 'hello there' });
    expect(first).toMatchObject({
      content: said('hello there'),
      structuredContent: { finish_reason: 'stop', text: 'hello there', session: expect.stringMatching(/^mcp:/) },
    });
    const { session } = first.structuredContent as { session: string };
    const second = await ask({ agent: 'echo', prompt: 'again', session });
    expect(second.structuredContent).toEqual({ finish_reason: 'stop', text: 'again', session });
  });

  it('says what is wrong as a result that is an error', async () => {
    const { client, ask } = await connect();
    const rows: [args: object, words: string | RegExp][] = [
      [{ agent: 'nobody-s', prompt: 'x' }, /not attached|no agent|unknown/i],
      [{ prompt: 'x' }, 'agent is a text'],
      [{ agent: 'echo', prompt: '' }, 'prompt is a text'],
      [{ agent: 'echo', prompt: 'x', session: 'no session' }, 'session is one that a result has named'],
    ];
    for (const [args, words] of rows) {
      const { isError, content } = await ask(args);
      expect(isError).toBe(true);
      const [block] = content as { text: string }[];
      expect(block?.text).toMatch(words);
    }
    await expect(client.callTool({ name: 'no_such' })).rejects.toMatchObject({ code: -32602 });
  });

  it('tells how deep it is, and goes no deeper than four', async () => {
    const { agent, request } = await taken('by-hand');
    const { ask } = await connect('--depth', '3');
    const answer = ask({ agent: 'by-hand', prompt: 'x' });
    const params = await request();
    expect(params.context).toMatchObject({ front: 'mcp', depth: 4 });
    agent.emit(params.session_id, { kind: 'content', content: { type: 'image', data: 'aGk=', mimeType: 'image/png' } });
    agent.emit(params.session_id, { kind: 'done', finish_reason: 'length', text: 'all of it' });
    expect(await answer).toMatchObject({
      content: [...said('all of it'), { type: 'image', data: 'aGk=', mimeType: 'image/png' }],
      structuredContent: { finish_reason: 'length' },
    });
    const deeper = await connect('--depth', '4');
    expect(await deeper.ask({ agent: 'echo', prompt: 'x' })).toMatchObject({
      isError: true,
      content: said('agents ask agents 4 deep at most'),
    });
  });

  it('tells of its progress, and cancels the turn where its client does', async () => {
    const { agent, request } = await taken('deaf');
    const { ask } = await connect();
    const stop = new AbortController();
    let progressed = (_message: string) => {};
    const progress = new Promise<string>((resolve) => {
      progressed = resolve;
    });
    const answer = ask(
      { agent: 'deaf', prompt: 'x' },
      { signal: stop.signal, onprogress: ({ message = '' }) => progressed(message) },
    ).catch((error: unknown) => error);
    const { session_id } = await request();
    agent.emit(session_id, { kind: 'token', delta: 'half' });
    expect(await progress).toBe('half');
    stop.abort('enough');
    expect(await answer).toBeInstanceOf(Error);
    await agent.when(() => agent.received('agent.chat.cancel')[0]);
  });

  it('denies an approval that nobody has decided on in time', async () => {
    const { agent, request } = await taken('careful');
    const { ask } = await connect('--front-approval-timeout', '50');
    const answer = ask({ agent: 'careful', prompt: 'x' });
    const { session_id } = await request();
    agent.emit(session_id, { kind: 'approval_pending', approval_id: 'a', action: 'rm' });
    const asked = await agent.when(() => agent.received('agent.chat.approve')[0]);
    expect(asked.params).toMatchObject({ approval_id: 'a', decision: false });
    agent.answer(asked, { accepted: true });
    agent.emit(session_id, { kind: 'error', error: 'not allowed' });
    expect(await answer).toMatchObject({ isError: true, content: said('not allowed') });
  });

  it('ends its turns with stdin, and at SIGTERM, and leaves with 0', async () => {
    const { agent, request } = await taken('broken');
    const call = { name: 'ask_agent', arguments: { agent: 'broken', prompt: 'x' } };
    const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
    const messages = [
      { id: 1, method: 'initialize', params: hello },
      { method: 'notifications/initialized' },
      { id: 2, method: 'tools/call', params: call },
    ].map((message) => JSON.stringify({ jsonrpc: '2.0', ...message }));
    const ends = [
      (program: Program) => program.child.stdin?.end(),
      (program: Program) => program.child.kill('SIGTERM'),
    ];
    for (const [at, end] of ends.entries()) {
      const program = new Program([CLI, 'mcp'], env());
      program.child.stdin?.write(`a buffer\n[]\n\u0000\n${messages.join('\n')}\n`);
      await request(at);
      end(program);
      expect(await program.exit).toEqual({ code: 0, signal: null });
      await agent.when(() => agent.received('agent.chat.cancel')[at]);
      for (const line of program.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
    }
  });

  it('ends with 0 where nobody reads what it says any more', async () => {
    const program = new Program([CLI, 'mcp'], env());
    const ping = (id: number) =>
      program.child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' })}\n`);
    ping(1);
    await program.shows('"id":1');
    program.child.stdout?.destroy();
    ping(2);
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(program.err).toBe('');
  });

  it('ends with 1 where a message on stdin is too large', async () => {
    const program = new Program([CLI, 'mcp'], env());
    program.child.stdin?.write('x'.repeat(17 * 2 ** 20));
    expect(await program.exit).toMatchObject({ code: 1 });
    expect(program.err).toContain('larger than 16 MiB');
  });

  it('does not take the daemon’s own token; without a daemon it ends with 3', async () => {
    const own = new Program([CLI, 'mcp'], { SWITCHBOARD_HOME: daemon.home });
    expect(await own.exit).toMatchObject({ code: 4 });
    expect(own.err).toContain('switchboard keys add NAME --agent ID');
    const none = new Program([CLI, 'mcp', '--url', 'ws://127.0.0.1:1'], env());
    expect(await none.exit).toMatchObject({ code: 3 });
    expect(own.out + none.out).toBe('');
  });
});
