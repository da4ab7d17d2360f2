#!/usr/bin/env node
import { Exit } from './exit.ts';
import { processIo } from './io.ts';
import { run } from './program.ts';

// The process ends when there is nothing left to do, so that everything written gets out; a daemon stays.
process.exitCode = await run(process.argv.slice(2), processIo());
// Who pressed Ctrl-C does not wait for anything.
if (process.exitCode === Exit.Cancelled) process.exit();
