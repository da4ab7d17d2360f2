import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { endOrphans } from '../turns/agent-resume.ts';
import type { Elsewhere } from '../turns/elsewhere.ts';
import { giveAway, takeOverTurn } from '../turns/moved-turn.ts';
import { TURNS } from '../turns/turns.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import type { PeerStreams } from './peer-streams.ts';

const TAKE = 'turn.take';
const UNNAMED = 'agent.unnamed';

/** A turn that another broker is asked for. */
interface Wanted {
  agent: string;
  turn_id: string;
  session_key: string;
}

/** What it answers. `later`: its turns of before are still being taken up. */
type Given = { turn: unknown } | { is: 'ended' | 'unknown' | 'later' };

/** So often a broker is asked again that is not ready, or not there. Milliseconds. */
const AGAIN_MS = 100;
/** So long a turn is looked for: a broker that was killed is there again by then, or stays away. Milliseconds. */
const LOOK_MS = 25_000;

/** Turns go with their agents: a broker that an agent comes back to asks the others for what it names. */
export class MovedTurns implements Elsewhere, PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;

  constructor(kernel: Kernel, cluster: Cluster) {
    this.#kernel = kernel;
    this.#cluster = cluster;
  }

  async fetch(client: Client, wanted: readonly { turn_id: string; session_id: string }[]): Promise<Set<string>> {
    const ended = new Set<string>();
    const { agentKey = '' } = client;
    const until = this.#kernel.clock.now() + LOOK_MS;
    // A few at a time: a log may be long, and much that waits for a peer ends the link with it.
    for (const { turn_id, session_id } of wanted) {
      if (!client.isOpen) break;
      const is = await this.#fetch({ agent: agentKey, turn_id, session_key: session_id }, client, until);
      if (is === 'ended') ended.add(turn_id);
    }
    return ended;
  }

  unnamed(agentKey: string): void {
    this.#cluster.tellAll(UNNAMED, { agent: agentKey });
  }

  told(_peer: PeerStreams, kind: string, body: unknown): void {
    if (kind !== UNNAMED) return;
    const { agent } = body as { agent: string };
    // Where it is here by now, it names them here.
    if (!this.#kernel.attached.has(agent)) endOrphans(this.#kernel, agent, 'agent_replaced');
  }

  asked(_peer: PeerStreams, method: string, body: string): Promise<string> | undefined {
    if (method !== TAKE) return undefined;
    return Promise.resolve(writeJson(this.#give(parseJson(body) as Wanted)));
  }

  #give({ agent, turn_id: turnId, session_key: sessionKey }: Wanted): Given {
    const kernel = this.#kernel;
    const { recovery, logs } = kernel.get(TURNS);
    if (recovery?.knows(sessionKey)) return { is: 'later' };
    // It may not have heard yet that the agent is elsewhere.
    const own = kernel.attached.get(agent);
    if (own) this.#cluster.leave(own);
    const turn = giveAway(kernel, turnId, agent);
    if (turn) return { turn };
    return { is: logs.find(sessionKey, turnId, kernel.clock.now()) ? 'ended' : 'unknown' };
  }

  async #fetch(wanted: Wanted, client: Client, until: number): Promise<'here' | 'ended' | 'unknown'> {
    const body = writeJson(wanted);
    for (;;) {
      let isLater = this.#cluster.awaitsPeer();
      for (const name of this.#cluster.openPeers()) {
        const peer = this.#cluster.peer(name);
        let given: Given;
        try {
          given = parseJson((await peer?.ask(TAKE, body)) ?? '{"is":"unknown"}') as Given;
        } catch {
          isLater = true;
          continue;
        }
        if ('turn' in given) {
          takeOverTurn(this.#kernel, given.turn);
          return 'here';
        }
        if (given.is === 'ended') return 'ended';
        if (given.is === 'later') isLater = true;
      }
      if (!isLater || !client.isOpen || this.#kernel.clock.now() >= until) return 'unknown';
      await new Promise<void>((resolve) => this.#kernel.deadlines.arm(AGAIN_MS, resolve));
    }
  }
}
