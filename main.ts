import { refuseOldNode } from './node-version.ts';
import { nameSources } from './source-lines.ts';

refuseOldNode();
// Before the program is loaded, which is one file: a stack then names the sources and their lines.
nameSources();
try {
  const { runDaemon } = await import('./daemon/run.ts');
  await runDaemon(process.argv.slice(2));
} catch (error) {
  const { code, message } = Object(error);
  // No file of the program's own can be opened: nothing that could say it better is loaded yet.
  if (code !== 'EMFILE' && code !== 'ENFILE') throw error;
  process.stderr.write(`switchboard: ${message}\n`);
  process.exit(1);
}
