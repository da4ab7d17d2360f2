import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_PORT } from '../../broker.ts';
import { FRONTS } from '../../fronts/list.ts';
import { NOBODY, nodeOfNobody } from '../support/nobody.ts';
import { components, create, text } from '../support/surfaces.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { Daemon } from './support/daemon.ts';
import { Program, run } from './support/program.ts';
import { startRegistry } from './support/registry.ts';

/* What `npm pack` makes, as `npm install` leaves it in somebody's folder. */

const ROOT = resolve(import.meta.dirname, '../..');
/** What the packages may take on the disk. */
const MAX_MEGABYTES = 50;

let folder: string;
/** The package in it. */
let installed: string;
let packages: string[];
/** The paths that are packed. */
let packed: string[];
beforeAll(async () => {
  const registry = await startRegistry(ROOT);
  packages = registry.paths;
  const scratch = temporaryDirectory();
  // `nobody` has to come by.
  chmodSync(scratch, 0o755);
  folder = join(scratch, 'app');
  installed = join(folder, 'node_modules/switchboard');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const npm = async (...words: string[]) => {
    const quiet = ['--cache', join(scratch, 'cache'), '--no-audit', '--no-fund', '--no-update-notifier'];
    const options = { cwd: folder, env: { PATH: process.env.PATH, HOME: scratch, npm_config_registry: registry.url } };
    return (await promisify(execFile)('npm', [...words, ...quiet], options)).stdout;
  };
  const [{ filename, files }] = JSON.parse(await npm('pack', ROOT, '--ignore-scripts', '--json'));
  packed = files.map(({ path }: { path: string }) => path);
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  registry.publish(manifest, join(folder, filename));
  // By its name: of a file npm reads all twice.
  await npm('install', '--omit=dev', manifest.name);
}, 300_000);

/** What a folder takes on the disk, as `du` counts. */
function bytesOf(path: string): number {
  const stats = lstatSync(path);
  const below = stats.isDirectory() ? readdirSync(path).map((name) => bytesOf(join(path, name))) : [];
  return below.reduce((sum, bytes) => sum + bytes, stats.blocks * 512);
}

/** What the image runs as its HEALTHCHECK, of a daemon at this URL. */
function healthScript(url: string): string {
  const [, command = ''] =
    /^HEALTHCHECK [^[]*(\[[^\n]*\])$/m.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')) ?? [];
  const [node, flag, script = ''] = JSON.parse(command);
  expect([node, flag, script]).toEqual(['node', '-e', expect.stringContaining(`127.0.0.1:${DEFAULT_PORT}/healthz`)]);
  return script.replace(`127.0.0.1:${DEFAULT_PORT}`, new URL(url).host);
}

/** The chunks of a bundle that it does not load at its start: a few that it shares with them may be. */
function neededLater(bundle: string): string[] {
  const file = join(installed, 'dist', bundle);
  const chunks = join(dirname(file), 'chunks');
  const atOnce = [...readFileSync(file, 'utf8').matchAll(/^import .* from "\.\/chunks\/([\w-]+\.js)";$/gm)].map(
    ([, name]) => name,
  );
  expect(atOnce.length, atOnce.join()).toBeLessThanOrEqual(5);
  const names = readdirSync(chunks).filter((name) => name.endsWith('.js') && !atOnce.includes(name));
  return names.map((name) => join(chunks, name));
}

const program = (...argv: string[]) => run([join(installed, 'dist/cli/main.js'), ...argv]);

describe('Switchboard as a package', () => {
  it('has what it takes to run and to be imported, and nothing twice', () => {
    expect(packed.length).toBeLessThan(1_800);
    for (const path of ['dist/main.js', 'dist/broker.d.ts', 'dist/console/index.html', 'LICENSE']) {
      expect(packed).toContain(path);
    }
    const sources = /^(?!dist|examples)[^/]*(\/.*)?\.tsx?$/;
    const ofUsOnly = /^(dist\/)?(test|bench|soak|trials|node_modules|console\/.*\.tsx?)(\/|$)|(^|\/)\.|tsbuildinfo/;
    expect(packed.filter((path) => sources.test(path) || ofUsOnly.test(path))).toEqual([]);
    // What maps there are name sources and lines, and hold no text.
    for (const path of packed.filter((path) => path.endsWith('.map'))) {
      expect(JSON.parse(readFileSync(join(installed, path), 'utf8')).sourcesContent ?? [], path).toEqual([]);
    }
  });

  it('serves from any folder, for somebody who may write to nothing of it, and is talked to from another', async () => {
    const [home, cwd] = [temporaryDirectory(), temporaryDirectory()];
    if (NOBODY !== undefined) for (const path of [home, cwd]) chownSync(path, NOBODY, NOBODY);
    const place = NOBODY === undefined ? { cwd } : { cwd, uid: NOBODY, runtime: nodeOfNobody() };
    const command = join(folder, 'node_modules/.bin/switchboard');
    const env = { SWITCHBOARD_HOME: home };
    const flags = ['--port', '0', '--no-socket', '--demo', '--front', 'all'];
    const served = new Program([command, 'serve', ...flags], env, undefined, place);
    await served.shows('"try: ');
    const { url } = new Daemon(served, home);
    // Each is loaded when it is asked for something: it is there, and wants a key.
    for (const { path } of Object.values(FRONTS))
      expect((await fetch(`${url.replace('ws', 'http')}${path}/x`)).status, path).toBe(401);
    // As a container of it is asked whether it is well.
    expect((await run(['-e', healthScript(new Daemon(served, home).url)])).code).toBe(0);
    const chat = new Program([command, 'chat', 'echo', 'good morning'], env, undefined, place);
    expect(await chat.exit, chat.err).toMatchObject({ code: 0 });
    expect(chat.out).toContain('good morning');
    expect(await served.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(readdirSync(join(home, 'run'))).toEqual([]);
    expect((await run(['-e', healthScript('ws://127.0.0.1:1')])).code).toBe(1);
  });

  it('is built already: npm finds nothing to do, and a build says that there is nothing to build from', async () => {
    const { scripts } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(scripts.start).toMatch(/^node scripts\/build\.js --if-needed && /);
    const build = join(installed, 'scripts/build.js');
    expect(await run([build, '--if-needed'])).toMatchObject({ code: 0, out: '', err: '' });
    expect(await run([build])).toMatchObject({ code: 1, err: expect.stringContaining('no sources') });
  });

  it(`takes less than ${MAX_MEGABYTES} MB`, () => {
    expect(packages).toContain('node_modules/pino');
    expect(packages).not.toContain('node_modules/typescript');
    expect(bytesOf(join(folder, 'node_modules')) / 2 ** 20).toBeLessThan(MAX_MEGABYTES);
  });

  it('has a command line', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(await program('--version')).toMatchObject({ code: 0, out: `${version}\n`, err: '' });
    expect(await program('serve', '--help')).toMatchObject({ code: 0, err: '' });
  });

  it('starts from a few files: what is loaded when it is used may even be gone', async () => {
    const laterOnes = [neededLater('cli/program.js'), neededLater('daemon/run.js')].flat();
    expect(laterOnes.length).toBeGreaterThan(20);
    expect(laterOnes.map((path) => basename(path))).toEqual(expect.arrayContaining(['sdk.js', 'schemas.js']));
    for (const path of laterOnes) renameSync(path, `${path}-gone`);
    try {
      expect(await program('--version')).toMatchObject({ code: 0, err: '' });
      expect(await program('agents', '--help')).toMatchObject({ code: 0, err: '' });
      const served = new Program([join(installed, 'dist/main.js'), '--port', '0', '--no-socket'], {
        SWITCHBOARD_HOME: temporaryDirectory(),
      });
      await served.shows('"try: ');
    } finally {
      for (const path of laterOnes) renameSync(`${path}-gone`, path);
    }
  });

  it('has a daemon that checks surfaces, serves the console and its metrics, and demonstrates itself', async () => {
    const home = temporaryDirectory();
    const argv = ['--port', '0', '--no-socket', '--demo', '--log-level', 'debug'];
    const served = new Program([join(installed, 'dist/main.js'), ...argv], { SWITCHBOARD_HOME: home });
    await served.shows('"try: ');
    const daemon = new Daemon(served, home);
    const host = await daemon.host();
    await host.ok('a2ui.apply', { envelope: create('s') });
    await host.ok('a2ui.apply', { envelope: components('s', text('root', 'Hello')) });
    const wrong = components('s', { id: 'root', component: 'Text', text: 7 });
    const { error } = await host.call('a2ui.apply', { envelope: wrong });
    expect(error).toMatchObject({ code: -32602, data: { issues: [{ path: expect.stringContaining('text') }] } });
    const said = await run([join(installed, 'dist/cli/main.js'), 'chat', 'echo', 'hello'], { SWITCHBOARD_HOME: home });
    expect(said).toMatchObject({ code: 0, out: expect.stringContaining('hello') });
    expect(await daemon.get('/metrics')).toMatchObject({ status: 200 });
    expect(await daemon.get('/')).toMatchObject({ status: 200, body: expect.stringContaining('<html') });
    expect(daemon.errors).toEqual([]);
  });

  it('can be embedded, with its SDK and its protocol', async () => {
    const words = `
      import { createBroker } from 'switchboard';
      import { connectHost } from 'switchboard/client';
      import * as protocol from 'switchboard/protocol';
      const broker = createBroker({ console: false });
      const { url } = await broker.listen({ port: 0 });
      const host = await connectHost({ url, token: broker.tokens.daemon, env: {} });
      await host.surfaces.apply(${JSON.stringify(create('s'))});
      console.log(JSON.stringify(await host.agents.list()), typeof protocol.methods);
      await host.close();
      await broker.close();`;
    const script = join(folder, 'embedder.mjs');
    writeFileSync(script, words);
    expect(await run([script])).toMatchObject({ code: 0, out: '[] object\n', err: '' });
  });

  it.each(['dist/main.js', 'dist/cli/main.js'])('says by %s in one line that Node is too old', async (path) => {
    const old = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"18.20.8"})';
    const { code, out, err } = await run(['--import', old, join(installed, path), '--version']);
    expect({ code, out, err }).toEqual({
      code: 1,
      out: '',
      err: expect.stringMatching(/^switchboard: it needs Node 20\.19 or newer, and this is 18\.20\.8\n$/),
    });
  });
});
