/** How often each worker is asked whether it is there. Milliseconds. */
export const PULSE_MS = 1_000;
/** Who has not answered for so long is silent. Milliseconds. */
export const SILENT_MS = 15_000;
/** Who has not for so long is killed, and started again. Milliseconds. */
export const HUNG_MS = 60_000;
/** A beat that comes late says that this process was away: so much of the time since the one before counts. Milliseconds. */
const MAX_BEAT_MS = 2 * PULSE_MS;

/** What is heard of one process's answers. None of them throws. */
export interface PulseHandlers {
  ask(): void;
  /** It has not answered for {@link SILENT_MS}. */
  silent(): void;
  /** It does again. `ms`: after so long. */
  back(ms: number): void;
  /** It has not answered for {@link HUNG_MS}. Once. */
  hung(): void;
}

/**
 * Whether a process answers: one that is stopped, or in a loop, does not. Time in which whoever asks was stopped itself, or the
 * whole machine was, is held against nobody: what has come meanwhile is read after the first beat.
 */
export class Pulse {
  readonly #on: PulseHandlers;
  #isAsked = false;
  #silentMs = 0;

  constructor(on: PulseHandlers) {
    this.#on = on;
  }

  get isSilent(): boolean {
    return this.#silentMs >= SILENT_MS;
  }

  /** @param elapsedMs - since the beat before */
  beat(elapsedMs: number): void {
    if (!this.#isAsked) {
      this.#isAsked = true;
      this.#on.ask();
      return;
    }
    const before = this.#silentMs;
    this.#silentMs += Math.min(elapsedMs, MAX_BEAT_MS);
    if (before < SILENT_MS && this.isSilent) this.#on.silent();
    if (before < HUNG_MS && this.#silentMs >= HUNG_MS) this.#on.hung();
  }

  answered(): void {
    const ms = this.#silentMs;
    const wasSilent = this.isSilent;
    this.#isAsked = false;
    this.#silentMs = 0;
    if (wasSilent) this.#on.back(ms);
  }
}
