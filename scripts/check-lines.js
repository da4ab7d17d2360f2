// No source file over 350 lines: at that length it holds two concepts.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const LIMIT = 350;
const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' });
const long = listed
  .split('\n')
  .filter((file) => /\.(ts|tsx|js|mjs|css)$/.test(file) && existsSync(file))
  .map((file) => [file, readFileSync(file, 'utf8').split('\n').length - 1])
  .filter(([, lines]) => lines > LIMIT);
for (const [file, lines] of long) console.error(`${file}: ${lines} lines, the limit is ${LIMIT}`);
process.exitCode = long.length > 0 ? 1 : 0;
