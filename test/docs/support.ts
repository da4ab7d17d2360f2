import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../../docs/render.ts';
import { temporaryDirectory } from '../e2e/support/cleanup.ts';

/** Every page that a person reads, by path from {@link ROOT}. */
export const PAGES: readonly string[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** The text of a page. */
export const page = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** A block of code of a page. */
export interface Block {
  path: string;
  language: string;
  source: string;
  /** Of a program that is run as it stands, below `<!-- snippet:NAME -->`. */
  name: string | undefined;
  /** Of a file that is shown whole: its name in `examples/`. */
  example: string | undefined;
}

const BLOCK =
  /(?:<!-- snippet:([\w-]+) -->\s*|<!-- generated:(?:example:([\w./-]+)|[\w.-]+) -->\s*)?^```(\w+)\n([\s\S]*?)^```$/gm;

/** All blocks of code of all pages. */
export const BLOCKS: readonly Block[] = PAGES.flatMap((path) =>
  [...page(path).matchAll(BLOCK)].map(([, name, example, language = '', source = '']) => ({
    path,
    language,
    source,
    name,
    example,
  })),
);

/** A program of a page. @throws {Error} where there is none of that name. */
export function snippet(name: string): string {
  const found = BLOCKS.find((block) => block.name === name);
  if (!found) throw new Error(`no page has a snippet ${name}`);
  return found.source;
}

/** What a snippet says of its own output: the comments behind its `console.log`. */
export function promised(name: string): string[] {
  return [...snippet(name).matchAll(/^console\.log\(.*\); \/\/ (.+)$/gm)].map(([, said = '']) => said);
}

/** How to run a snippet. */
export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  /** What it reads on stdin. */
  input?: Uint8Array;
  /** Hears each line that it prints, while it runs. */
  onLine?: (line: string) => void;
  /** Where it runs. Default: {@link projectDirectory}. */
  cwd?: string;
}

/** Runs a snippet as it stands, as a program of its own, and gives the lines that it prints. */
export function runSnippet(name: string, options: RunOptions = {}): Promise<string[]> {
  const { env = {}, signal, input = new Uint8Array(), onLine = () => {}, cwd = projectDirectory() } = options;
  const child = spawn(process.execPath, ['--input-type=module', '-e', snippet(name)], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, ...env },
    signal,
    timeout: 15_000,
  });
  const written = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    written.out += text;
  });
  createInterface({ input: child.stdout }).on('line', onLine);
  child.stderr.setEncoding('utf8').on('data', (text) => {
    written.err += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, killed) => {
      if (code === 0) resolve(written.out.trim().split('\n'));
      else reject(new Error(`${name} ended with ${code ?? killed}: ${written.out}${written.err}`));
    });
  });
}

/** A project of somebody's who has installed this package from its directory, as the pages say. */
export function projectDirectory(): string {
  const directory = temporaryDirectory();
  const modules = join(directory, 'node_modules');
  mkdirSync(modules);
  symlinkSync(ROOT, join(modules, 'switchboard'));
  mkdirSync(join(modules, '@opentelemetry'));
  for (const name of ['zod', '@opentelemetry/api']) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  return directory;
}
