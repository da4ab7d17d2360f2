/** A share of less time than this is none to speak of. Milliseconds. */
const LEAST_MS = 1_000;

/** How much of one core this process has used lately: 0 to 1, and more where several threads work. */
export class CpuLoad {
  #since = performance.now();
  #used = process.cpuUsage();
  #load = 0;

  /** Of the second or more before: who asks sooner is told the same. */
  read(): number {
    const elapsedMs = performance.now() - this.#since;
    if (elapsedMs < LEAST_MS) return this.#load;
    const { user, system } = process.cpuUsage(this.#used);
    this.#load = Math.round(((user + system) / 1_000 / elapsedMs) * 100) / 100;
    this.#since += elapsedMs;
    this.#used = process.cpuUsage();
    return this.#load;
  }
}
