import type { FrontTurn } from './turn.ts';

/** Turns that may wait for their clients' next requests, all together. */
export const MAX_PARKED = 1_000;
/** Of those, one principal's. */
export const MAX_PARKED_EACH = 100;

interface Parked {
  turn: FrontTurn;
  dropped: (() => void) | undefined;
  timer: NodeJS.Timeout;
}

/** Turns whose response is over and that wait for their client: a tool's result, a person's word. */
export class ParkedTurns {
  readonly #timeoutMs: number;
  /** The longest there first. */
  readonly #turns = new Map<FrontTurn, Parked>();

  /** @param timeoutMs after so long a turn is cancelled. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get size(): number {
    return this.#turns.size;
  }

  has(turn: FrontTurn): boolean {
    return this.#turns.has(turn);
  }

  /**
   * From now on it waits. Where too many do, the longest there of the same principal's makes room, else this one.
   * @param dropped hears that it was cancelled here: its time is over, or it has made room.
   */
  park(turn: FrontTurn, dropped?: () => void): void {
    const timer = setTimeout(() => this.#cancel(turn), this.#timeoutMs);
    timer.unref();
    this.#turns.set(turn, { turn, dropped, timer });
    const own = [...this.#turns.keys()].filter(({ owner }) => owner === turn.owner);
    if (own.length > MAX_PARKED_EACH || this.#turns.size > MAX_PARKED) this.#cancel(own[0] as FrontTurn);
    // Kept to its time even where it ends: what came is still to be read.
  }

  /** The one that somebody means; it waits on. */
  find(owner: string, agentId: string, isMeant: (turn: FrontTurn) => boolean): FrontTurn | undefined {
    for (const turn of this.#turns.keys())
      if (turn.owner === owner && turn.agentId === agentId && isMeant(turn)) return turn;
    return undefined;
  }

  /** Takes the one that somebody means; it waits no more. */
  take(owner: string, agentId: string, isMeant: (turn: FrontTurn) => boolean): FrontTurn | undefined {
    const turn = this.find(owner, agentId, isMeant);
    if (turn) this.#forget(turn);
    return turn;
  }

  /** Its client has something else in mind: the one that waits in a session is cancelled. Resolves when it is free. */
  async drop(owner: string, agentId: string, sessionId: string): Promise<void> {
    const turn = this.take(owner, agentId, (parked) => parked.sessionId === sessionId);
    turn?.cancel();
    await turn?.over;
  }

  #forget(turn: FrontTurn): void {
    clearTimeout(this.#turns.get(turn)?.timer);
    this.#turns.delete(turn);
  }

  #cancel(turn: FrontTurn): void {
    const dropped = this.#turns.get(turn)?.dropped;
    this.#forget(turn);
    turn.cancel();
    dropped?.();
  }
}
