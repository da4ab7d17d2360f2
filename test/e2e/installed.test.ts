import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { components, create, text } from '../support/surfaces.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { Daemon } from './support/daemon.ts';
import { Program, run } from './support/program.ts';

/* What `npm ci --omit=dev` leaves: the packages that the lock file does not call `dev`, where it says, and dist/. */

const ROOT = resolve(import.meta.dirname, '../..');
/** What the packages may take on the disk. */
const MAX_MEGABYTES = 50;

interface Locked {
  dev?: boolean;
  devOptional?: boolean;
}

let installed: string;
let packages: string[];
beforeAll(() => {
  installed = temporaryDirectory();
  const lock: Record<string, Locked> = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  packages = Object.entries(lock)
    // The package itself has no path; what is for other systems is locked, and not there.
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional && existsSync(join(ROOT, path)))
    .map(([path]) => path);
  for (const path of packages) {
    cpSync(join(ROOT, path), join(installed, path), {
      recursive: true,
      // A package below another one has a line of its own in the lock file.
      filter: (source) => source === join(ROOT, path) || !source.endsWith('/node_modules'),
    });
  }
  for (const path of ['package.json', 'dist']) cpSync(join(ROOT, path), join(installed, path), { recursive: true });
});

/** What a folder takes on the disk, as `du` counts. */
function bytesOf(path: string): number {
  const stats = lstatSync(path);
  const below = stats.isDirectory() ? readdirSync(path).map((name) => bytesOf(join(path, name))) : [];
  return below.reduce((sum, bytes) => sum + bytes, stats.blocks * 512);
}

const program = (...argv: string[]) => run([join(installed, 'dist/cli/main.js'), ...argv]);

describe('Switchboard without its devDependencies', () => {
  it(`takes less than ${MAX_MEGABYTES} MB`, () => {
    expect(packages).toContain('node_modules/pino');
    expect(packages).not.toContain('node_modules/typescript');
    expect(bytesOf(join(installed, 'node_modules')) / 2 ** 20).toBeLessThan(MAX_MEGABYTES);
  });

  it('has a command line', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(await program('--version')).toMatchObject({ code: 0, out: `${version}\n`, err: '' });
    expect(await program('serve', '--help')).toMatchObject({ code: 0, err: '' });
  });

  it('starts from one file: what is loaded when it is used may even be gone', async () => {
    const chunks = ['cli', 'daemon'].map((folder) => join(installed, 'dist', folder, 'chunks'));
    for (const path of chunks) renameSync(path, `${path}-gone`);
    try {
      expect(await program('--version')).toMatchObject({ code: 0, err: '' });
      expect(await program('agents', '--help')).toMatchObject({ code: 0, err: '' });
      const served = new Program([join(installed, 'dist/main.js'), '--port', '0', '--no-socket'], {
        SWITCHBOARD_HOME: temporaryDirectory(),
      });
      await served.shows('"try: ');
    } finally {
      for (const path of chunks) renameSync(`${path}-gone`, path);
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
    // Run from inside the package, which can name itself.
    const script = join(installed, 'embedder.mjs');
    writeFileSync(script, words);
    expect(await run([script])).toMatchObject({ code: 0, out: '[] object\n', err: '' });
  });
});
