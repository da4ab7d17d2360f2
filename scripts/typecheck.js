// Checks all types, of the tests and the console too. One checker for each project: of several, each checks anew what they
// share, and the projects go side by side as it is.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const PROJECTS = ['tsconfig.test.json', 'console', 'examples/react', 'examples/use-chat'];

const codes = await Promise.all(
  PROJECTS.map(async (project) => {
    const argv = ['-p', project, '--checkers', '1'];
    const checked = spawn(join(ROOT, 'node_modules/.bin/tsc'), argv, { cwd: ROOT, stdio: 'inherit' });
    const [code] = await once(checked, 'close');
    return code;
  }),
);
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
