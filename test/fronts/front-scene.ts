import { onTestFinished } from 'vitest';
import { type BrokerOptions, createBroker, type FrontsOptions, mountFronts } from '../../broker.ts';
import { type AgentOptions, connectAgent, type OnChat, type Turn } from '../../client/node.ts';

/** A broker that serves fronts on a free port, until the test ends, and whoever a test needs around it. */
export async function startFronts({
  fronts = 'all',
  broker: brokerOptions = {},
  ...options
}: Partial<FrontsOptions> & { broker?: BrokerOptions } = {}) {
  const { limits, ...others } = brokerOptions;
  const broker = createBroker({ ...others, limits: { drainTimeoutMs: 1, metricsMaxAgeMs: 0, ...limits } });
  onTestFinished(() => broker.close());
  mountFronts(broker, { fronts, ...options });
  const { port = 0 } = await broker.listen({ port: 0 });
  return {
    broker,
    port,
    url: `http://127.0.0.1:${port}`,
    token: broker.tokens.daemon,
    /** An agent; it keeps the turns that it had. */
    async agent(id: string, onChat: OnChat, more: Partial<AgentOptions> = {}) {
      const turns: Turn[] = [];
      const waiting: ((turn: Turn) => void)[] = [];
      const { token } = broker.upsertAgent({ id, rotate_token: true });
      const agent = await connectAgent({
        link: () => broker.connect(),
        agentId: id,
        token,
        onChat: (turn) => {
          turns.push(turn);
          waiting[turns.length - 1]?.(turn);
          return onChat(turn);
        },
        ...more,
      });
      onTestFinished(() => agent.close());
      return {
        agent,
        turns,
        /** Resolves to its turn of that number, from 0, when it has it. */
        turn(at = 0): Promise<Turn> {
          const turn = turns[at];
          if (turn) return Promise.resolve(turn);
          return new Promise((resolve) => {
            waiting[at] = resolve;
          });
        },
      };
    },
    /** A key of somebody's. */
    async key(name: string, more: Partial<Parameters<typeof broker.keys.add>[0]> = {}): Promise<string> {
      return (await broker.keys.add({ name, ...more })).token;
    },
  };
}

/** What {@link startFronts} gives. */
export type Scene = Awaited<ReturnType<typeof startFronts>>;

/** Repeats the prompt word by word. */
export const repeat: OnChat = async function* ({ prompt }) {
  yield* prompt.match(/\s*\S+/g) ?? [];
};

/** A promise, and what settles it. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Resolves when a turn is cancelled, to why. */
export const cancelled = (turn: Turn): Promise<string> =>
  new Promise((resolve) => {
    const tell = () => resolve(turn.signal.reason.reason);
    if (turn.signal.aborted) tell();
    else turn.signal.addEventListener('abort', tell);
  });
