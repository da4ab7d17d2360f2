// The long form of test/proof/neighbours*.test.ts: `npm run neighbours -- --minutes 10`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '..');
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error(`neighbours: --minutes takes a number above 0, not ${values.minutes}`);
  process.exit(2);
}
const { status } = spawnSync(join(ROOT, 'node_modules/.bin/vitest'), ['run', 'test/proof/neighbours'], {
  cwd: ROOT,
  stdio: 'inherit',
  env: { ...process.env, PROOF: 'whole', NEIGHBOURS_MINUTES: String(minutes) },
});
process.exit(status ?? 1);
