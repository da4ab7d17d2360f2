// Before the program is loaded, which is one file: a stack then names the sources and their lines.
process.setSourceMapsEnabled(true);
const { runDaemon } = await import('./daemon/run.ts');
await runDaemon(process.argv.slice(2));
