import { runDaemon } from './daemon/run.ts';

await runDaemon(process.argv.slice(2));
