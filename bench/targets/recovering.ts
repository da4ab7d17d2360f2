import { createBroker, openTurnJournal } from '../../broker.ts';

/** What it took a broker to find its turns again. */
export interface Recovered {
  turns: number;
  /** Until it could listen, and until every turn was there. CPU of all threads, in milliseconds. */
  readyCpuMs: number;
  doneCpuMs: number;
  /** The longest time in which nobody else was served, once it could listen. */
  longestMs: number;
  /** The most that it took of the machine's memory, what it took before and what the logs hold taken off. */
  aboveLogsMib: number;
  logsMib: number;
}

/*
 * Starts a broker on a journal, and says what that took. Run as `node recovering.js DIRECTORY`.
 */
const [directory = ''] = process.argv.slice(2);
const MIB = 1024 * 1024;
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const before = process.memoryUsage().rss;
const start = cpuMs();
let most = 0;
let longestMs = 0;
const turnJournal = await openTurnJournal({ directory, maxBytes: Number.MAX_SAFE_INTEGER });
const turns = turnJournal.recovered.length;
let tellDone = () => {};
const done = new Promise<void>((resolve) => {
  tellDone = resolve;
});
const log = {
  debug() {},
  info(_: object, message?: string) {
    if (message === 'turns of before are there again') tellDone();
  },
  warn: console.error,
  error: console.error,
};
const broker = createBroker({ turnJournal, log: log as never });
const readyCpuMs = cpuMs() - start;
let last = performance.now();
let isOver = false;
const look = () => {
  const now = performance.now();
  longestMs = Math.max(longestMs, now - last);
  last = now;
  if (!isOver) setImmediate(look);
};
look();
const looking = setInterval(() => {
  most = Math.max(most, process.memoryUsage().rss);
}, 50);
await done;
isOver = true;
const doneCpuMs = cpuMs() - start;
clearInterval(looking);
const text = await metricsOf();
const logs = Number(/^switchboard_resume_log_bytes (\S+)$/m.exec(text)?.[1] ?? Number.NaN);
const result: Recovered = {
  turns,
  readyCpuMs,
  doneCpuMs,
  longestMs,
  aboveLogsMib: (Math.max(most, process.memoryUsage().rss) - before - logs) / MIB,
  logsMib: logs / MIB,
};
process.stdout.write(JSON.stringify(result));
process.exit(0);

async function metricsOf(): Promise<string> {
  const { url } = await broker.listen({ port: 0 });
  return await (await fetch(`${url.replace(/^ws/, 'http')}/metrics`)).text();
}
