import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createBroker } from '../../broker.ts';
import { connectAgent } from '../../client/node.ts';
import { BUNDLERS, NEEDED, PAGE_GOAL, pageOf } from '../support/page-size.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { run } from './support/program.ts';
import { startRegistry } from './support/registry.ts';

/* The SDK as a package of its own, as `npm install` leaves it in a project that only connects. */

const ROOT = resolve(import.meta.dirname, '../..');
const PACKAGE = join(ROOT, 'dist/client-package');
const NAME = '@switchboard/client';

let project: string;
beforeAll(async () => {
  const registry = await startRegistry(ROOT);
  const scratch = temporaryDirectory();
  project = join(scratch, 'app');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"private":true,"type":"module"}');
  const npm = async (...words: string[]) => {
    const quiet = ['--cache', join(scratch, 'cache'), '--no-audit', '--no-fund', '--no-update-notifier'];
    const options = { cwd: project, env: { PATH: process.env.PATH, HOME: scratch, npm_config_registry: registry.url } };
    return (await promisify(execFile)('npm', [...words, ...quiet], options)).stdout;
  };
  const [{ filename }] = JSON.parse(await npm('pack', PACKAGE, '--json'));
  await npm('install', join(project, filename));
}, 120_000);

/** The packages that were installed, by their names. */
function installed(): string[] {
  const names = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
  return names.flatMap((name) => {
    return name.startsWith('@')
      ? readdirSync(join(project, 'node_modules', name)).map((each) => `${name}/${each}`)
      : name;
  });
}

describe('the SDK as a package', () => {
  it('brings ws and zod, and nothing of a daemon', () => {
    expect(installed().sort()).toEqual([NAME, 'ws', 'zod']);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const own = join(project, 'node_modules', NAME);
    expect(JSON.parse(readFileSync(join(own, 'package.json'), 'utf8'))).toMatchObject({ name: NAME, version });
    expect(readdirSync(own).sort()).toEqual(['LICENSE', 'README.md', 'client', 'package.json', 'protocol']);
  });

  it.each(BUNDLERS)('in a page built with %s › is 14 kB of gzip at most, and what a chat needs', async (_, build) => {
    const { bytes, text } = await build(pageOf(NAME), project);
    for (const needed of NEEDED) expect(text).toContain(needed);
    expect(bytes).toBeLessThanOrEqual(PAGE_GOAL);
  });

  it('has its types: a page and a program that are right compile, and a misspelt option does not', async () => {
    const page = `import { connectHost, type ChatEvent } from '${NAME}';
      const host = await connectHost({ url: 'ws://127.0.0.1:9100', token: 't' });
      const said: string[] = [];
      const look = (event: ChatEvent) => { if (event.kind === 'token') said.push(event.delta); };
      for await (const event of host.chat('echo', 'hello', { sessionId: 's' })) look(event);
      const [agent] = await host.agents.list();
      const id: string | undefined = agent?.spec.id;
      console.log(id, said);`;
    const wrong = page.replace('sessionId', 'session_id').replace('spec.id', 'spec.ids');
    const { out } = await compile({ 'right.ts': page, 'wrong.ts': wrong });
    expect(out).not.toContain('right.ts');
    expect(out).toMatch(/wrong\.ts.*'session_id' does not exist/m);
    expect(out).toMatch(/wrong\.ts.*'ids' does not exist/m);
  });

  it('in Node › chats with a broker, and needs no zod for it', async () => {
    const broker = createBroker({ limits: { drainTimeoutMs: 1 } });
    onTestFinished(() => broker.close());
    const { url } = await broker.listen({ port: 0 });
    const { token } = broker.upsertAgent({ id: 'echo' });
    const onChat = async ({ prompt }: { prompt: string }) => prompt;
    const agent = await connectAgent({ link: () => broker.connect(), agentId: 'echo', token, onChat });
    onTestFinished(() => agent.close());
    const script = join(project, 'chat.js');
    writeFileSync(
      script,
      `import { connectHost } from '${NAME}';
      const host = await connectHost({ url: '${url}', token: process.env.TOKEN, env: {} });
      await host.tool('none', {}, () => null);
      console.log(await host.chat('echo', 'good morning').text());
      await host.close();`,
    );
    rmSync(join(project, 'node_modules/zod'), { recursive: true });
    expect(existsSync(join(project, 'node_modules/ws'))).toBe(true);
    const { code, out, err } = await run([script], { TOKEN: broker.tokens.daemon });
    expect({ code, out, err }).toEqual({ code: 0, out: 'good morning\n', err: '' });
  });
});

/** What the compiler says of these files, as a project with a bundler has it. */
function compile(files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(project, name), text);
  const options = {
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    customConditions: ['browser'],
    lib: ['es2022', 'esnext.disposable', 'dom'],
    types: [],
  };
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: Object.keys(files) }),
  );
  return run([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project]);
}
