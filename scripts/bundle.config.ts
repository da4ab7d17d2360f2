import { readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { defineConfig, type Plugin, type RolldownOptions } from 'rolldown';
import { lineMaps } from './line-maps.ts';
import { thirdPartyNotices } from './third-party.ts';
import { unreadSchemas } from './unread-schemas.ts';

const ROOT = join(import.meta.dirname, '..');

interface Bundle {
  /** The module that it takes the place of. */
  module: string;
  /** What becomes one chunk, though several others use it. */
  groups?: { name: string; test(id: string): boolean; priority?: number }[];
}

/**
 * Each of these becomes one file, in place of what tsc made of the same module, with the packages that it uses inside.
 * What it loads only when it is used lies beside it, in `chunks/`.
 */
const BUNDLES: Bundle[] = [
  { module: 'daemon/run.ts', groups: [{ name: 'common', test: isCommon }] },
  // Nothing that is loaded at once may need it: `--help` and `--version` do without, and that is most of their time.
  {
    module: 'cli/program.ts',
    groups: [
      { name: 'words', test: isOfCommands, priority: 2 },
      { name: 'sdk', test: isOfTheSdk, priority: 1 },
      { name: 'schemas', test: isOfSchemas },
    ],
  },
  { module: 'actors/surfaces/a2ui.ts' },
  { module: 'telemetry/otlp.ts' },
  { module: 'sdks/acp.ts' },
  { module: 'sdks/mcp.ts' },
  { module: 'sdks/nats.ts' },
];

/** Not taken inside: what most runs never load. Of pino nothing is used that looks for files beside itself. */
const LEFT_OUTSIDE = ['pino-pretty', 'prom-client', 'jose', /^@a2a-js\/sdk/];

export default defineConfig(BUNDLES.map(bundle));

function bundle({ module, groups = [] }: Bundle): RolldownOptions {
  return {
    cwd: ROOT,
    input: join(ROOT, module),
    platform: 'node',
    external: LEFT_OUTSIDE,
    // What the file and its chunks share stays in the file.
    preserveEntrySignatures: 'allow-extension',
    // Looked for at each start through all folders above, and nothing of ours brings it.
    transform: { define: { 'process.env.WS_NO_BUFFER_UTIL': 'true' } },
    plugins: [
      leaveOtherBundles(module),
      partsAtOnce(),
      ownVersion(),
      unreadSchemas(join(ROOT, 'protocol')),
      lineMaps(),
      thirdPartyNotices(),
    ],
    output: {
      dir: join(ROOT, 'dist', dirname(module)),
      format: 'esm',
      chunkFileNames: 'chunks/[name].js',
      charset: 'ascii',
      comments: false,
      codeSplitting: groups.length > 0 ? { groups } : true,
      sourcemap: true,
      // Names and lines are enough for a stack, and are read at every start.
      sourcemapExcludeSources: true,
    },
  };
}

/** What the daemon needs at its start, and what it loads later needs as well: one file, and not one for each. */
function isCommon(id: string): boolean {
  return /^(protocol|version\.ts|nats\/errors\.ts|daemon\/errors\.ts|node_modules\/zod\/)/.test(relative(ROOT, id));
}

/** What commands say of their flags, and what makes visible whatever is printed: of the protocol, but without a schema. */
function isOfCommands(id: string): boolean {
  return /^protocol\/(durations|grants|json|options|recorded-states|recording-otlp|shared-limits|visible(-answer)?|voice-kinds)\.ts$/.test(
    relative(ROOT, id),
  );
}

/** With what it needs of the protocol, where there is no schema. */
function isOfTheSdk(id: string): boolean {
  return /^(client|node_modules\/ws)\//.test(relative(ROOT, id));
}

/** What a few commands need. */
function isOfSchemas(id: string): boolean {
  return /^(protocol|node_modules\/zod)\//.test(relative(ROOT, id));
}

/** What a page loads of the SDK when it asks for it is in one file with the rest here: from a disk all comes at once. */
function partsAtOnce(): Plugin {
  const hosts = ['client/host-run.ts', 'client/connection.ts'].map((path) => join(ROOT, path));
  return {
    name: 'parts-at-once',
    transform(code, id) {
      if (!hosts.includes(id)) return null;
      const parts: string[] = [];
      const rest = code.replaceAll(/\bimport\(('\.\/[\w-]+\.ts')\)/g, (_, path) => {
        parts.push(`import * as part${parts.length} from ${path};`);
        return `Promise.resolve(part${parts.length - 1})`;
      });
      if (parts.length === 0) throw new Error(`${id} loads no parts: what this is for is gone`);
      // Every line stays on its own.
      return { code: `${parts.join(' ')} ${rest}`, map: null };
    },
  };
}

/** The version stands in the bundle, which is built anew where `package.json` has changed. */
function ownVersion(): Plugin {
  return {
    name: 'own-version',
    transform(code, id) {
      if (id !== join(ROOT, 'version.ts')) return null;
      const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
      return { code: code.replace(/createRequire\(.*(?=;$)/m, JSON.stringify(version)), map: null };
    },
  };
}

/** A bundle that is used by another one stays a file of its own. */
function leaveOtherBundles(own: string): Plugin {
  const others = new Set(BUNDLES.map(({ module }) => join(ROOT, module)).filter((path) => path !== join(ROOT, own)));
  return {
    name: 'leave-other-bundles',
    async resolveId(source, importer, options) {
      const found = await this.resolve(source, importer, { ...options, skipSelf: true });
      if (found === null || !others.has(found.id)) return null;
      return { id: join(dirname(found.id), `${basename(found.id, '.ts')}.js`), external: 'relative' };
    },
  };
}
