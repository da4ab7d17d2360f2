import type { Kernel } from './kernel.ts';

/** Another broker of the cluster, as a family speaks with it (`docs/cluster.md`). */
export interface Neighbour {
  readonly name: string;
  readonly isOpen: boolean;
  /** Bytes that may be added to what waits for it, so that nobody's frames cost all others the link. */
  readonly roomBytes: number;
  /** Tells it something: JSON with a `kind`. @returns false where there is no link */
  tell(body: string): boolean;
  /** Asks it; the answer is JSON. Rejects where the link is lost, and where it cannot answer. */
  ask(method: string, body: string): Promise<string>;
}

/** What a family answers other brokers, and hears of them. */
export interface NeighbourTalk {
  told?(from: Neighbour, kind: string, body: unknown): void;
  /** Undefined: it is nothing of this family's. */
  asked?(from: Neighbour, method: string, body: string): Promise<string> | undefined;
  lost?(from: Neighbour): void;
}

/** The other brokers of the cluster; none, where there is no other. */
export class Neighbours {
  /** Of families that speak with them, added when each is installed. */
  readonly talks: NeighbourTalk[] = [];
  /** The broker that an agent is attached to; undefined where that is this one, or cannot be reached. */
  at: (agentKey: string) => Neighbour | undefined = () => undefined;
  /** That broker, where it can be reached. */
  named: (name: string) => Neighbour | undefined = () => undefined;
  /** All that can be reached. */
  open: () => Iterable<Neighbour> = () => [];
}

/** Asks all that can be reached, and gives what was answered within so long. Never rejects. @param ms - milliseconds */
export function askAll({ neighbours, deadlines }: Kernel, method: string, body: string, ms: number): Promise<string[]> {
  const all = [...neighbours.open()];
  return new Promise((resolve) => {
    const answers: string[] = [];
    let left = all.length;
    const deadline = deadlines.arm(ms, () => resolve(answers));
    const settled = () => {
      left -= 1;
      if (left > 0) return;
      deadlines.disarm(deadline);
      resolve(answers);
    };
    if (all.length === 0) settled();
    for (const one of all)
      one.ask(method, body).then((answer) => {
        answers.push(answer);
        settled();
      }, settled);
  });
}
