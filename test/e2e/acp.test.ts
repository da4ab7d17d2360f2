import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { ndJsonStream } from '@agentclientprotocol/sdk';
import { beforeAll, describe, expect, it } from 'vitest';
import { acpClient, type ClientOptions } from '../fronts/acp/acp-client.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, DIST, Program, run } from './support/program.ts';

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon({ flags: ['--demo'] });
});

/** An editor that has started a command, and speaks ACP with it. */
function editor(program: Program, options?: ClientOptions) {
  const { stdin, stdout } = program.child;
  // A `Program` reads it as text.
  const { readable: input, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  stdout?.on('data', (text: string) => void writer.write(Buffer.from(text)).catch(() => {}));
  stdout?.once('end', () => void writer.close().catch(() => {}));
  const output = Writable.toWeb(stdin as Writable) as WritableStream<Uint8Array>;
  return { program, client: acpClient(ndJsonStream(output, input), options) };
}

const start = (agent = 'echo', env: NodeJS.ProcessEnv = { SWITCHBOARD_HOME: daemon.home }) =>
  new Program([CLI, 'acp', '--agent', agent], env);

/** An agent that says `half` and then nothing, by hand. */
async function half(id: string) {
  const agent = await daemon.agent(id);
  const { client, program } = editor(start(id));
  const sessionId = await client.begin();
  const answer = client.prompt(sessionId, 'x').catch((error: unknown) => error);
  const request = await agent.when(() => agent.received('agent.chat')[0]);
  agent.answer(request, { accepted: true });
  agent.emit(request.params.session_id, { kind: 'token', delta: 'half' });
  await client.until(() => client.text === 'half');
  return { agent, client, program, sessionId, answer };
}

describe('switchboard acp', () => {
  it('is an agent that an editor chats with, until stdin ends', async () => {
    const { client, program } = editor(start());
    const sessionId = await client.begin();
    expect(await client.prompt(sessionId, 'hello there')).toEqual({ stopReason: 'end_turn' });
    expect(client.text).toBe('hello there');
    program.child.stdin?.end();
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(program.err).toBe('');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends its turns at %s, and leaves with 0', async (signal) => {
    const { agent, program } = await half(`by-${signal.toLowerCase()}`);
    expect(await program.kill(signal)).toEqual({ code: 0, signal: null });
    await agent.when(() => agent.received('agent.chat.cancel')[0]);
  });

  it('ends its turns at the end of stdin, and when it is killed', async () => {
    const first = await half('at-eof');
    first.program.child.stdin?.end();
    expect(await first.program.exit).toEqual({ code: 0, signal: null });
    await first.agent.when(() => first.agent.received('agent.chat.cancel')[0]);
    const second = await half('killed');
    await second.program.kill('SIGKILL');
    await second.agent.when(() => second.agent.received('agent.chat.cancel')[0]);
  });

  it('answers a cancel at once, though the agent does nothing', async () => {
    const { client, sessionId, answer, agent } = await half('deaf');
    await client.cancel(sessionId);
    expect(await answer).toEqual({ stopReason: 'cancelled' });
    const request = agent.received('agent.chat')[0];
    agent.emit(request?.params.session_id, { kind: 'token', delta: ' more' });
    expect(client.text).toBe('half');
  });

  it('says so in a line where no daemon is running, and ends with 3', async () => {
    const program = start('echo', { SWITCHBOARD_HOME: temporaryDirectory() });
    expect(await program.exit).toEqual({ code: 3, signal: null });
    expect(program.out).toBe('');
    expect(program.err.trim().split('\n')).toEqual([expect.stringMatching(/^switchboard: no daemon is running for /)]);
  });

  it('says so where the token is wrong, or no agent is named', async () => {
    const program = new Program([CLI, 'acp', '--agent', 'echo', '--token', 'no'], { SWITCHBOARD_HOME: daemon.home });
    expect(await program.exit).toMatchObject({ code: 4 });
    const nobody = new Program([CLI, 'acp'], { SWITCHBOARD_HOME: daemon.home });
    expect(await nobody.exit).toMatchObject({ code: 2 });
    expect(program.out + nobody.out).toBe('');
  });

  it('goes on when the daemon is killed: a prompt fails, and the next one finds the new daemon', async () => {
    const own = await startDaemon({ flags: ['--demo'], mayFail: true });
    const { client, program } = editor(start('echo', { SWITCHBOARD_HOME: own.home }));
    const sessionId = await client.begin();
    await own.program.kill('SIGKILL');
    await expect(client.prompt(sessionId, 'x')).rejects.toMatchObject({
      code: -32603,
      message: expect.stringMatching(/^no daemon is running for .*; start one with /),
      data: { code: 'no_daemon' },
    });
    await startDaemon({ flags: ['--demo'], home: own.home });
    await expect
      .poll(() => client.prompt(sessionId, 'back').catch(() => undefined))
      .toEqual({ stopReason: 'end_turn' });
    expect(client.text).toBe('back');
    program.child.stdin?.end();
    expect(await program.exit).toMatchObject({ code: 0 });
  });

  it('says so where its key is not valid any more', async () => {
    const keys = (...words: string[]) => run([CLI, 'keys', ...words], { SWITCHBOARD_HOME: daemon.home });
    const key = (await keys('add', 'leaving')).out.trim();
    const { client } = editor(start('echo', { SWITCHBOARD_HOME: daemon.home, SWITCHBOARD_AUTH_TOKEN: key }));
    const sessionId = await client.begin();
    await keys('remove', 'leaving');
    const refused = await client.prompt(sessionId, 'x').catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: -32000, message: expect.stringMatching('refused the token') });
    expect(String(refused)).not.toContain(key);
  });

  it('answers nonsense on stdin as JSON-RPC says, with nothing else on stdout', async () => {
    const program = start();
    const lines = ['nonsense', '[]', '5', '{"jsonrpc":"2.0","id":1,"method":"no/such"}', ''];
    const hello = { jsonrpc: '2.0', id: 2, method: 'initialize', params: { protocolVersion: 7 } };
    program.child.stdin?.write(`${lines.join('\n')}\n\u0000\u0001\n${JSON.stringify(hello)}\n`);
    await program.shows('agentInfo');
    program.child.stdin?.end();
    expect(await program.exit).toMatchObject({ code: 0 });
    const answers = program.lines.map((line) => JSON.parse(line));
    const told = answers.map(({ id, error, result }) => [id, error?.code ?? result.protocolVersion]);
    expect(told).toContainEqual([2, 1]);
    expect(told.filter(([id]) => id !== 2).map(([, code]) => code)).toEqual(
      expect.arrayContaining([-32700, -32600, -32600, -32700]),
    );
  });

  it('is started as examples/zed-settings.json has it', async () => {
    const settings = JSON.parse(readFileSync(resolve(DIST, '../examples/zed-settings.json'), 'utf8'));
    const [server] = Object.values(settings.agent_servers) as { command: string; args: string[]; env: object }[];
    // What a person has who has installed it.
    const bin = temporaryDirectory();
    writeFileSync(join(bin, 'npx'), `#!/bin/sh\nshift\nexec ${process.execPath} ${CLI} "$@"\n`);
    chmodSync(join(bin, 'npx'), 0o755);
    const env = { ...server?.env, PATH: `${bin}:${process.env.PATH}`, SWITCHBOARD_HOME: daemon.home };
    const { client } = editor(new Program(server?.args ?? [], env, undefined, { runtime: server?.command }));
    const sessionId = await client.begin();
    await client.prompt(sessionId, 'from the editor');
    expect(client.text).toBe('from the editor');
  });
});
