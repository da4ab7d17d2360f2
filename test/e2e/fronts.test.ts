import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, DIST, MAIN, Program, run } from './support/program.ts';

const ROOT = resolve(DIST, '..');

let daemon: Daemon;
let base: string;
beforeAll(async () => {
  daemon = await startDaemon({ flags: ['--demo', '--front', 'all', '--a2a-root', 'echo'] });
  base = daemon.url.replace(/^ws/, 'http');
});

/** A key that the daemon's user has made. */
async function keyOf(name: string): Promise<string> {
  const { out } = await run([CLI, 'keys', 'add', name], { SWITCHBOARD_HOME: daemon.home });
  return out.trim();
}

describe('the daemon with --demo', () => {
  it('streams echo’s answer by the lines of the README', () => {
    const [, lines = ''] = /```sh\n(KEY=[\s\S]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? [];
    expect(lines.trim().split('\n')).toHaveLength(3);
    // What a person types in a checkout.
    const bin = temporaryDirectory();
    const npx = join(bin, 'npx');
    writeFileSync(npx, `#!/bin/sh\nshift\nexec ${process.execPath} ${CLI} "$@"\n`);
    chmodSync(npx, 0o755);
    const said = execFileSync('bash', ['-e'], {
      input: lines.replaceAll('http://127.0.0.1:9100', base),
      env: { PATH: `${bin}:${process.env.PATH}`, SWITCHBOARD_HOME: daemon.home },
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const deltas = [...said.matchAll(/"delta":\{"content":"([^"]*)"\}/g)].map(([, text]) => text);
    expect(deltas).toEqual(['hello', ' there']);
    expect(said.trim().endsWith('data: [DONE]')).toBe(true);
  });

  it('runs examples/openai.mjs as it stands, its tool too', async () => {
    const env = { OPENAI_API_KEY: await keyOf('node'), OPENAI_BASE_URL: `${base}/v1` };
    const example = join(ROOT, 'examples/openai.mjs');
    expect(await run([example, 'good day'], env)).toMatchObject({ code: 0, out: 'good day\n', err: '' });
    expect((await run([example, '/tool clock'], env)).out).toMatch(/^Your clock says: "\d{4}-.*"\n$/);
  });

  it('runs examples/openai-python.py as it stands', async () => {
    const own = spawnSync('python3', ['-c', 'import openai']).status === 0;
    const env = {
      OPENAI_API_KEY: await keyOf('python'),
      OPENAI_BASE_URL: `${base}/v1`,
      ...(own ? {} : { PYTHONPATH: join(ROOT, 'test/fronts/openai/python'), PYTHONDONTWRITEBYTECODE: '1' }),
    };
    const program = new Program([join(ROOT, 'examples/openai-python.py'), 'good day'], env, undefined, {
      runtime: 'python3',
    });
    expect(await program.exit).toMatchObject({ code: 0 });
    expect([program.out, program.err]).toEqual(['good day\n', '']);
  });

  it('runs examples/a2a.mjs as it stands, with a person who is asked', async () => {
    const env = { SWITCHBOARD_KEY: await keyOf('a2a'), SWITCHBOARD_URL: base };
    const example = join(ROOT, 'examples/a2a.mjs');
    expect(await run([example, 'good day'], env)).toMatchObject({ code: 0, out: 'good day\n', err: '' });
    const asking = new Program([example, '/approve tidy up'], env);
    await asking.shows('tidy up?', 'err');
    asking.child.stdin?.write('yes\n');
    expect((await asking.exit).code).toBe(0);
    expect(asking.out).toContain('It was approved.');
  });

  it('has the card of one agent where everybody looks', async () => {
    const card = await daemon.get('/.well-known/agent-card.json');
    expect(card.status).toBe(200);
    expect(JSON.parse(card.body)).toMatchObject({ name: 'Echo', url: `${base}/a2a/echo` });
  });

  it('runs examples/ag-ui.mjs as it stands, its tool and a person’s word, too', async () => {
    const env = { AG_UI_KEY: await keyOf('ag-ui'), AG_UI_URL: `${base}/ag-ui` };
    const example = join(ROOT, 'examples/ag-ui.mjs');
    expect(await run([example, 'good day'], env)).toMatchObject({ code: 0, out: 'good day\n', err: '' });
    expect((await run([example, '/tool clock'], env)).out).toMatch(/^Your clock says: "\d{4}-.*"\n$/);
    const asked = await run([example, '/approve to go on'], env, 'yes\n');
    expect(asked).toMatchObject({ code: 0, out: expect.stringMatching(/to go on\? It was approved\.\n$/) });
    const failed = await run([example, '/fail'], env);
    expect(failed.code).toBe(1);
    expect(failed.err).toContain('this is how a failed turn looks');
  });

  it('serves no front where it is told not to', async () => {
    const none = await startDaemon({ flags: ['--front', 'none'] });
    expect((await none.get('/v1/models')).status).toBe(404);
  });

  it('says so where a front does not exist', async () => {
    const program = new Program([MAIN, '--front', 'gopher']);
    expect((await program.exit).code).toBe(2);
    expect(program.err.trim().split('\n')).toHaveLength(1);
    expect(program.err).toContain('--front takes all, none, or of ');
    expect(program.err).toContain('there is no front "gopher"');
  });
});
