import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { own, temporaryDirectory } from './support/cleanup.ts';
import { startDaemon } from './support/daemon.ts';
import { MAIN, run } from './support/program.ts';

const refuse = (flags: string[], env: NodeJS.ProcessEnv = {}) =>
  run([MAIN, '--port', '0', '--no-socket', ...flags], { SWITCHBOARD_HOME: temporaryDirectory(), ...env });

describe('a daemon that cannot start says why in one line', () => {
  // All settings that are refused: test/daemon/config.test.ts.
  const usage: [what: string, flags: string[], env: NodeJS.ProcessEnv, names: string][] = [
    ['an unknown flag', ['--prot', '1'], {}, 'unknown flag "--prot"'],
    ['a token with a space', [], { SWITCHBOARD_AUTH_TOKEN: 'a secret' }, 'SWITCHBOARD_AUTH_TOKEN takes printable'],
  ];
  it.each(usage)('%s: 2', async (_, flags, env, names) => {
    const { code, out, err } = await refuse(flags, env);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^switchboard: [^\n]+\n$/);
    expect(err).toContain(names);
    expect(err).not.toContain('a secret');
  });

  it('a port in use: 1, and nothing is left behind', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    own(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const home = temporaryDirectory();
    const { code, err } = await refuse(['--port', String(port), '--home', home]);
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^switchboard: port ${port} on 127.0.0.1 is in use[^\\n]*\\n$`));
    expect(readdirSync(join(home, 'run'))).toEqual([]);
  });

  it('a home where another daemon lives: 1, and that one does not notice', async () => {
    const first = await startDaemon();
    const client = await first.host();
    const second = await refuse(['--home', first.home]);
    expect(second.code).toBe(1);
    expect(second.err).toMatch(/^switchboard: another daemon \(pid \d+\) is running on [^\n]+\n$/);
    expect(second.err).toContain(`(pid ${first.announced.pid}) is running on ${first.home}`);
    expect(readdirSync(first.run)).toContain('broker.json');
    expect(await client.ok('agents.list')).toEqual([]);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    await startDaemon({ home: first.home });
  });

  it('a socket where another daemon listens: 1, and it is not unlinked', async () => {
    const path = join(temporaryDirectory(), 's');
    const first = await startDaemon({ flags: ['--socket', path] });
    const home = temporaryDirectory();
    const second = await run([MAIN, '--port', '0', '--socket', path], { SWITCHBOARD_HOME: home });
    expect(second.code).toBe(1);
    expect(second.err).toMatch(/^switchboard: the socket [^\n]+ is in use[^\n]*\n$/);
    expect(readdirSync(join(home, 'run'))).toEqual([]);
    await first.program.kill('SIGKILL');
    // A dead one is in nobody's way.
    await startDaemon({ flags: ['--socket', path] });
  });
});
