/**
 * What an upgrade can be refused with: no WebSocket, a wrong token, not from here, nothing there, not with GET, too many of
 * these, a route's own fault, no room. What else a route says counts as 400.
 */
const STATUSES = [400, 401, 403, 404, 405, 429, 500, 503] as const;

/** Upgrades that did not happen, by the status that they were answered with, since the start. */
export class RefusedUpgrades {
  readonly counts: ReadonlyMap<number, number>;
  readonly #counts = new Map<number, number>(STATUSES.map((status) => [status, 0]));

  constructor() {
    this.counts = this.#counts;
  }

  count(status: number): void {
    const counted = this.#counts.has(status) ? status : 400;
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1);
  }
}
