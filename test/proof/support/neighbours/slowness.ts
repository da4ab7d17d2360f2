/** What the piece of work below took on the machine for which the rule's milliseconds were set (`docs/reliability.md`). */
const REFERENCE_MS = 53;
const ROUNDS = 3;

const TEXT = `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":${i}`).join(',')}}`;

/** Milliseconds of CPU in which this process reads an object of 100,000 keys. */
function readOnce(): number {
  const begun = process.cpuUsage();
  JSON.parse(TEXT);
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1_000;
}

/**
 * How much slower this machine is now than the one for which the rule's milliseconds were set; 1 where it is as fast. The longest
 * of several measurements, as it is the longest turn that is judged by it.
 */
export function slowness(): number {
  return Math.max(1, ...Array.from({ length: ROUNDS }, () => readOnce() / REFERENCE_MS));
}
