import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connectHost, type Host, type HostOptions } from '../client/node.ts';
import { FakeModel } from './fake-model/server.ts';
import { Program, type ProgramOptions, stopAll } from './processes.ts';
import { newFolder, removeFolder } from './temporary.ts';

/** The built programs: this file is one of them, or beside them. */
const DIST = resolve(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '../dist' : '..');
export const MAIN = join(DIST, 'main.js');
export const CLI = join(DIST, 'cli/main.js');

/** What a trial is played in: a daemon, a model, a home and a working directory of their own. */
export class Scene {
  readonly model: FakeModel;
  /** HOME of everything that runs in it. */
  readonly home: string;
  /** Where programs work. */
  readonly cwd: string;
  readonly #folder: string;
  readonly #daemon: Program;
  readonly #hosts: Host[] = [];
  #url = '';
  #key: Promise<string> | undefined;

  private constructor(model: FakeModel) {
    this.model = model;
    this.#folder = newFolder('switchboard-trial-');
    this.home = join(this.#folder, 'home');
    this.cwd = join(this.#folder, 'work');
    mkdirSync(this.home);
    mkdirSync(this.cwd);
    this.#daemon = this.run([process.execPath, MAIN, '--port', '0', '--no-socket', '--demo']);
  }

  static async start(): Promise<Scene> {
    const scene = new Scene(await FakeModel.start());
    await scene.#daemon.shows(/try:/);
    const { url } = JSON.parse(readFileSync(join(scene.home, 'switchboard/run/broker.json'), 'utf8'));
    scene.#url = url.replace(/^ws/, 'http').replace(/\/$/, '');
    return scene;
  }

  /** A program in this scene's home and working directory. */
  run(command: readonly string[], env: NodeJS.ProcessEnv = {}, options: ProgramOptions = {}): Program {
    const own = { HOME: this.home, SWITCHBOARD_HOME: join(this.home, 'switchboard'), NO_COLOR: '1' };
    return new Program(command, { ...own, ...env }, this.cwd, options);
  }

  /** One more host, which this scene's end closes. */
  async host(options: Pick<HostOptions, 'management'> = {}): Promise<Host> {
    const host = await connectHost({ home: join(this.home, 'switchboard'), env: {}, ...options });
    this.#hosts.push(host);
    return host;
  }

  /** Where the daemon is, for HTTP: `http://127.0.0.1:PORT`. */
  get url(): string {
    return this.#url;
  }

  /** A key for the fronts. */
  key(): Promise<string> {
    this.#key ??= this.cli('keys', 'add', 'trial');
    return this.#key;
  }

  /** What the command line prints. */
  async cli(...args: string[]): Promise<string> {
    const program = this.run([process.execPath, CLI, ...args]);
    const code = await program.ended();
    if (code !== 0) throw new Error(`switchboard ${args.join(' ')} ended with ${code}: ${program.out}`);
    return program.stdout.trim();
  }

  /** Ends all that runs in it, and removes its files. */
  stop(): void {
    for (const host of this.#hosts) host.close();
    stopAll();
    this.model.stop();
    removeFolder(this.#folder);
  }
}
