import { fileURLToPath } from 'node:url';
import { type Plugin, runnerImport } from 'vite';

const NAME = 'virtual:chart-layouts';
const RESOLVED = `\0${NAME}`;

/** Has the console import, as `virtual:chart-layouts`, where everything goes in the charts of every machine that runs. */
export function chartLayouts(): Plugin {
  return {
    name: 'chart-layouts',
    resolveId: (id) => (id === NAME ? RESOLVED : undefined),
    async load(id) {
      if (id !== RESOLVED) return undefined;
      // Not before it is wanted: it takes the broker's sources to know which machines run.
      const { module } = await runnerImport<typeof import('./lay-out-charts.ts')>(
        fileURLToPath(new URL('lay-out-charts.ts', import.meta.url)),
      );
      return `export default ${JSON.stringify(await module.layOutCharts())};`;
    },
  };
}
