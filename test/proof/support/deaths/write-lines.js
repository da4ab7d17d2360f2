import { openSync, writeSync } from 'node:fs';

/** Has a process write down what it does, line by line: a line that is written outlives whoever wrote it. See lines.ts. */
export function openLines(path, who) {
  const file = openSync(path, 'a');
  return (type, op, facts = {}) => {
    const t = Number(process.hrtime.bigint()) / 1e6;
    writeSync(file, `${JSON.stringify({ t, who, type, op, ...facts })}\n`);
  };
}
