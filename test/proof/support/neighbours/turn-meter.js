/*
 * Preloaded into the daemon (`node --import`): measures what each turn of its event loop costs, and what its memory grows to.
 * Wall time says nothing on a machine that others use, too: a turn is measured by the CPU time of the main thread,
 * collections of garbage in it included, since whoever waits for the turn waits for those as well.
 */
import { openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const cpu = mainThreadCpu();
const KIB = 1024;

let before = 0;
let longest = 0;
let turns = 0;
let grown = 0;

/** Nanoseconds of CPU that the main thread has had. */
function mainThreadCpu() {
  if (process.threadCpuUsage) {
    return () => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) * 1_000;
    };
  }
  try {
    // What a task of Linux has run for, in nanoseconds.
    const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
    const bytes = Buffer.alloc(64);
    return () => {
      // It brings the kernel's account of this very thread up to date, which is some milliseconds old otherwise.
      process.cpuUsage();
      readSync(file, bytes, 0, bytes.length, 0);
      return Number(bytes.toString('latin1', 0, bytes.indexOf(' ')));
    };
  } catch {
    // Of all threads then: more than is asked for, never less.
    return () => {
      const { user, system } = process.cpuUsage();
      return (user + system) * 1_000;
    };
  }
}

/**
 * Behind the events of each turn, and before it waits for new ones: an immediate that keeps nothing awake runs whenever
 * the loop has come around, and only then.
 */
function endOfTurn() {
  const now = cpu();
  longest = Math.max(longest, now - before);
  turns += 1;
  // Only where there is no high-water mark to be had.
  if (!highWater) grown = Math.max(grown, process.memoryUsage.rss());
  setImmediate(endOfTurn).unref();
  before = cpu();
}

const highWater = (() => {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return () => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * KIB;
  } catch {
    return undefined;
  }
})();

/** Bytes that are in use once everything unused has gone: finalizers and weak references are settled in between. */
function collected() {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What was measured since the last time that it was begun; what is asked for by the meter itself is not. */
function report() {
  const peak = highWater ? highWater() : Math.max(grown, process.memoryUsage.rss());
  return { longest: longest / 1e6, turns, peak, rss: process.memoryUsage.rss(), collected: collected() };
}

const commands = {
  /** Measures anew. */
  begin() {
    const answer = report();
    if (highWater) writeFileSync('/proc/self/clear_refs', '5');
    // What the collection has given back is no growth when it is taken again.
    answer.rss = process.memoryUsage.rss();
    longest = 0;
    turns = 0;
    grown = 0;
    return answer;
  },
  end: report,
  /** Sets the clock of the wall by so many milliseconds, as a machine does that has found out what time it is. */
  jump(ms) {
    const { now } = Date;
    Date.now = () => now() + ms;
  },
};

const server = createServer((socket) => {
  socket.unref();
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (line) => {
    const [name, ms] = line.trim().split(' ');
    const answer = commands[name](Number(ms)) ?? {};
    socket.write(`${JSON.stringify(answer)}\n`);
    before = cpu();
  });
});
// Of the daemon's alone, and gone with it.
server.listen(process.env.TURN_METER).unref();
before = cpu();
endOfTurn();
