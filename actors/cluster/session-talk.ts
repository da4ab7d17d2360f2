import { z } from 'zod';
import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { SessionAnswer, SessionHolders, SessionWish } from '../turns/claims.ts';
import { yieldSession } from '../turns/session-yield.ts';
import type { Cluster, PeerTalk } from './cluster.ts';
import { clusterError } from './cluster-errors.ts';
import type { PeerStreams } from './peer-streams.ts';

const WISH = 'session.wish';
/** Who has something of a session that nobody holds is to say so within so long. Milliseconds. */
const FIND_MS = 1_000;

const opened = z.array(z.tuple([z.string(), z.string(), z.number()])).max(1_000);
const wishSchema = z.object({ session_key: z.string(), token_hash: z.string().optional(), opened });
const answerSchema = z.union([
  z.object({ is: z.literal('free'), opened }),
  z.object({ is: z.literal('busy') }),
  z.object({ is: z.literal('at'), broker: z.string() }),
]);

/** Asks other brokers for sessions that they hold, and answers what they ask of this one. */
export class SessionTalk implements SessionHolders, PeerTalk {
  readonly #kernel: Kernel;
  readonly #cluster: Cluster;

  constructor(kernel: Kernel, cluster: Cluster) {
    this.#kernel = kernel;
    this.#cluster = cluster;
  }

  async ask(broker: string, wish: SessionWish): Promise<SessionAnswer> {
    const peer = this.#cluster.peer(broker);
    if (!peer) throw new Error(`there is no link with broker ${broker}`);
    return answerSchema.parse(parseJson(await peer.ask(WISH, writeJson(wish))));
  }

  find(wish: SessionWish): Promise<{ broker: string; isBusy: boolean } | undefined> {
    const peers = this.#cluster.openPeers();
    return new Promise((resolve) => {
      let left = peers.length;
      // Who is stopped keeps nobody's chats from their agents.
      const deadline = this.#kernel.deadlines.arm(FIND_MS, () => resolve(undefined));
      const finish = (found?: { broker: string; isBusy: boolean }) => {
        this.#kernel.deadlines.disarm(deadline);
        resolve(found);
      };
      if (left === 0) finish();
      const heard = (broker: string, answer?: SessionAnswer) => {
        left -= 1;
        if (answer?.is === 'at') finish({ broker: answer.broker, isBusy: false });
        else if (answer?.is === 'busy') finish({ broker, isBusy: true });
        else if (left === 0) finish();
      };
      for (const broker of peers)
        this.ask(broker, wish).then(
          (answer) => heard(broker, answer),
          () => heard(broker),
        );
    });
  }

  unreachable = clusterError;

  asked(_peer: PeerStreams, method: string, body: string): Promise<string> | undefined {
    if (method !== WISH) return undefined;
    const answer = yieldSession(this.#kernel, this.#cluster.id, wishSchema.parse(parseJson(body)));
    return Promise.resolve(writeJson(answer));
  }
}
