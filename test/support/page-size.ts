import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { build as viteBuild } from 'vite';
import { onTestFinished } from 'vitest';

/** What a page that imports `connectHost` may load before it does anything. Bytes of gzip. */
export const PAGE_GOAL = 14_000;

/** What of a chat has to be among it. */
export const NEEDED = ['agents.chat', 'agents.chat.subscribe', 'session.auth', 'host.resolve_approval'];

/** The script of a page that imports the SDK from there. */
export const pageOf = (sdk: string) => `import { connectHost } from ${JSON.stringify(sdk)};
globalThis.connect = () => connectHost({ url: 'ws://127.0.0.1:1', token: '' });`;

/** What is loaded with a script: its size, in bytes of gzip, and its text. */
export interface Weight {
  bytes: number;
  text: string;
}

interface Chunk {
  text: string;
  /** Other chunks that it needs at once. */
  imports: readonly string[];
}

/** A chunk and all that it needs at once: what it imports only when it is asked for is left out. */
function loadedWith(first: string, chunks: ReadonlyMap<string, Chunk>, seen = new Set<string>()): Set<string> {
  if (seen.has(first)) return seen;
  seen.add(first);
  for (const next of chunks.get(first)?.imports ?? []) loadedWith(next, chunks, seen);
  return seen;
}

function weigh(first: string, chunks: ReadonlyMap<string, Chunk>): Weight {
  const texts = [...loadedWith(first, chunks)].map((name) => chunks.get(name)?.text ?? '');
  return { bytes: texts.reduce((sum, text) => sum + gzipSync(text).length, 0), text: texts.join('\n') };
}

/** @param page its script. @param root the folder that it lies in. */
async function withEsbuild(page: string, root: string): Promise<Weight> {
  const { outputFiles, metafile } = await esbuild.build({
    stdin: { contents: page, resolveDir: root },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    outdir: join(root, 'not-written'),
    absWorkingDir: root,
    write: false,
    metafile: true,
  });
  const chunks = new Map(
    Object.entries(metafile.outputs).map(([path, { imports }]) => {
      const text = outputFiles.find((file) => file.path === join(root, path))?.text ?? '';
      return [path, { text, imports: imports.filter(({ kind }) => kind === 'import-statement').map((i) => i.path) }];
    }),
  );
  const first = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint !== undefined)?.[0] ?? '';
  return weigh(first, chunks);
}

/** The same. */
async function withVite(page: string, root: string): Promise<Weight> {
  const folder = mkdtempSync(join(root, 'node_modules/.size-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'page.js'), page);
  const built = await viteBuild({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, rolldownOptions: { input: join(folder, 'page.js') } },
  });
  const output = 'output' in built ? built.output : [];
  const chunks = new Map<string, Chunk>();
  let first = '';
  for (const file of output) {
    if (file.type !== 'chunk') continue;
    chunks.set(file.fileName, { text: file.code, imports: file.imports });
    if (file.isEntry) first = file.fileName;
  }
  return weigh(first, chunks);
}

/** The bundlers, by name. */
export const BUNDLERS = [
  ['esbuild', withEsbuild],
  ['vite', withVite],
] as const;
