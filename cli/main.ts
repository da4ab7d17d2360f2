#!/usr/bin/env node
import { Exit } from './exit.ts';
import { processIo } from './io.ts';

// Before the program is loaded, which is one file: a stack then names the sources and their lines.
process.setSourceMapsEnabled(true);
const { run } = await import('./program.ts');

// The process ends when there is nothing left to do, so that everything written gets out; a daemon stays.
let isLost = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has left (`… | head`) has had what it wanted.
  if (error.code === 'EPIPE' || isLost) return;
  isLost = true;
  process.stderr.write(`switchboard: what was to be printed is lost: ${error.message}\n`);
  process.exitCode ||= Exit.Failed;
});
const code = await run(process.argv.slice(2), processIo());
process.exitCode = code || (isLost ? Exit.Failed : Exit.Ok);
// Who pressed Ctrl-C does not wait for anything.
if (process.exitCode === Exit.Cancelled) process.exit();
