#!/usr/bin/env node
import { refuseOldNode } from '../node-version.ts';
import { nameSources } from '../source-lines.ts';

refuseOldNode();
// Before the program is loaded, which is one file: a stack then names the sources and their lines.
nameSources();
// No file of the program's own can be opened: nothing that could say it better is loaded then.
const withoutFiles = (error: unknown): never => {
  const { code, message } = Object(error);
  if (code !== 'EMFILE' && code !== 'ENFILE') throw error;
  process.stderr.write(`switchboard: ${message}\n`);
  process.exit(1);
};
const [{ run }, { processIo }, { Exit }] = await Promise.all([
  import('./program.ts'),
  import('./io.ts'),
  import('./exit.ts'),
]).catch(withoutFiles);

// The process ends when there is nothing left to do, so that everything written gets out; a daemon stays.
let isLost = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has left (`… | head`) has had what it wanted.
  if (error.code === 'EPIPE' || isLost) return;
  isLost = true;
  process.stderr.write(`switchboard: what was to be printed is lost: ${error.message}\n`);
  process.exitCode ||= Exit.Failed;
});
const code = await run(process.argv.slice(2), processIo()).catch(withoutFiles);
process.exitCode = code || (isLost ? Exit.Failed : Exit.Ok);
// Who pressed Ctrl-C does not wait for anything.
if (process.exitCode === Exit.Cancelled) process.exit();
