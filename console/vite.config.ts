import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { packagesOf, thirdPartyNotices } from '../scripts/third-party.ts';
import { chartLayouts } from './chart-layouts.ts';
import { methodTable } from './method-table.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Of the workers, which are bundles of their own. */
const workersPackages = new Set<string>();

/** The console: static files that the daemon serves itself. Nothing is loaded from anywhere else. */
export default defineConfig({
  root: here('.'),
  // Relative, so that an embedder can serve it below a path of their own.
  base: './',
  publicDir: false,
  resolve: { alias: { 'punycode.js': here('reading/host-names.ts') } },
  plugins: [chartLayouts(), methodTable(), thirdPartyNotices(workersPackages)],
  worker: { format: 'es', plugins: () => [packagesOf(workersPackages)] },
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: here('../dist/console'),
    emptyOutDir: true,
    target: 'es2022',
    // An inlined file would need `data:` in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: [here('index.html'), here('inspect/stately.html')],
      // That the charts' layouts take a moment is no warning.
      checks: { pluginTimings: false },
    },
  },
});
