import { SimulatedClock } from 'xstate';
import { type Broker, type BrokerOptions, createBroker } from '../../../../broker.ts';
import type { Directory } from '../../../../cluster/directory.ts';
import { SharedDirectory } from '../../../../cluster/shared-directory.ts';
import { MemoryNet } from '../../../link/support/memory-carrier.ts';
import { clientsOf, type LinkedClient, type Message, settle } from '../../../support/linked.ts';

/** One broker of a cluster, and who connects to it. */
export type Member = ReturnType<typeof clientsOf> & {
  readonly name: string;
  readonly broker: Broker;
  /** Its process is killed: nobody hears of it again. Its clients are not told; they are to be cut. */
  kill(): void;
  /** False: what all know together reaches it only when it hears again. */
  hears(isHeard: boolean): void;
};

const TOKENS = { daemon: 'the-daemon-token', host: 'the-host-token' };

/** What one broker of a cluster is made from, where that is not what all are. */
type MemberOptions = Omit<BrokerOptions, 'cluster'> & { cluster?: Partial<NonNullable<BrokerOptions['cluster']>> };

/** Several brokers of one process, with one clock that stands still. The first one is the home of what there is once. */
export async function startCluster(
  names: readonly string[],
  options: BrokerOptions = {},
  joining: (name: string) => Partial<NonNullable<BrokerOptions['cluster']>> = () => ({}),
  own: (name: string) => BrokerOptions = () => ({}),
) {
  const clock = new SimulatedClock();
  const net = new MemoryNet({ nextTick: (run: () => void) => process.nextTick(run) } as never);
  const directory = new SharedDirectory();
  const start = async (name: string, { cluster: also, ...more }: MemberOptions = {}): Promise<Member> => {
    const mortal = new MortalDirectory(directory.another());
    const broker = createBroker({
      clock: clock as NonNullable<BrokerOptions['clock']>,
      tokens: TOKENS,
      ...options,
      ...own(name),
      ...more,
      limits: { metricsMaxAgeMs: 0, ...options.limits },
      cluster: {
        id: name,
        carrier: net.carrier(name),
        directory: mortal,
        home: names[0] as string,
        // What is said leaves with its tick: the clock stands still.
        flushMs: 0,
        ...joining(name),
        ...also,
      },
    });
    const clients = clientsOf(broker, clock);
    return {
      name,
      broker,
      ...clients,
      kill() {
        net.kill(name);
        mortal.isDead = true;
      },
      hears: (isHeard: boolean) => mortal.hears(isHeard),
      /** One that this broker alone knows, for this run: the home broker may be away. */
      async agent(id: string, { resume = false } = {}) {
        const { token } = broker.upsertAgent({ id, rotate_token: true }, { ephemeral: true });
        const client = clients.connect();
        await client.ok('session.auth', { agent_id: id, token, ...(resume ? { resume } : {}) });
        return client;
      },
    };
  };
  const members: Member[] = [];
  for (const name of names) members.push(await start(name));
  await arrive();
  /** Lets so much time pass, a second at a time, and what is said meanwhile arrive. */
  const pass = async (seconds: number): Promise<void> => {
    for (let at = 0; at < seconds; at += 1) {
      clock.increment(1_000);
      await arrive();
    }
  };
  const close = async (...which: readonly Member[]): Promise<void> => {
    const closed = Promise.all(which.map(({ broker }) => broker.close()));
    await arrive();
    await pass(10);
    await closed;
  };
  const all: Member[] = [];
  const tracked = async (name: string, more?: MemberOptions): Promise<Member> => {
    const member = await start(name, more);
    all.push(member);
    return member;
  };
  all.push(...members);
  return { clock, net, directory, members, start: tracked, pass, close, end: () => close(...all) };
}

/** A broker's part in what all know together, until that is killed. */
class MortalDirectory implements Directory {
  isDead = false;
  /** What it has yet to hear. */
  #unheard: (() => void)[] | undefined;
  readonly #own: Directory;

  constructor(own: Directory) {
    this.#own = own;
  }

  get isConnected(): boolean {
    return this.#own.isConnected;
  }

  open(...[self, handlers]: Parameters<Directory['open']>): Promise<void> {
    const alive =
      <T extends unknown[]>(run: ((...args: T) => void) | undefined) =>
      (...args: T): void => {
        if (this.#unheard) this.#unheard.push(() => run?.(...args));
        else if (!this.isDead) run?.(...args);
      };
    return this.#own.open(self, {
      attached: alive((agentKey, place) => handlers.attached(agentKey, place)),
      detached: alive((agentKey, place) => handlers.detached(agentKey, place)),
      registered: alive((name, record) => handlers.registered?.(name, record)),
    });
  }

  hears(isHeard: boolean): void {
    const unheard = this.#unheard ?? [];
    this.#unheard = isHeard ? undefined : unheard;
    if (isHeard) for (const run of unheard) run();
  }

  attach(...said: Parameters<Directory['attach']>): void {
    if (!this.isDead) this.#own.attach(...said);
  }

  detach(...said: Parameters<Directory['detach']>): void {
    if (!this.isDead) this.#own.detach(...said);
  }

  async claim(name: string) {
    return this.isDead ? { isOurs: false, broker: 'nobody' } : this.#own.claim(name);
  }

  release(name: string): void {
    if (!this.isDead) this.#own.release(name);
  }

  buried(...life: Parameters<Directory['buried']>): void {
    if (!this.isDead) this.#own.buried(...life);
  }

  async register(name: string, record: string | undefined): Promise<void> {
    if (!this.isDead) await this.#own.register?.(name, record);
  }

  close(): Promise<void> {
    return this.#own.close();
  }
}

/** Lets everything arrive that is on its way between brokers and clients. */
export async function arrive(): Promise<void> {
  for (let times = 0; times < 12; times += 1) await settle();
}

/** An agent that numbers its events, attached where nobody has to prove who he is. */
export async function attach(member: Member, agent_id = 'bot'): Promise<LinkedClient> {
  const agent = member.connect();
  await agent.ok('session.auth', { agent_id, token: '', resume: true });
  await arrive();
  return agent;
}

/** An agent that accepts each chat, and what it was asked. */
export async function accepting(agent: LinkedClient): Promise<{ session_id: string; turn_id: string }> {
  await arrive();
  const call = agent.frames.filter(({ method }) => method === 'agent.chat').at(-1);
  agent.send({ jsonrpc: '2.0', id: call.id, result: { accepted: true } });
  await arrive();
  return call.params;
}

/** Asks what another broker may have to answer, and waits for that. */
export async function ask(client: LinkedClient, method: string, params?: unknown): Promise<Message> {
  const id = client.post(method, params);
  await arrive();
  return client.replyTo(id);
}

/** Says who it is by whatever proves it. @throws where that is refused */
export async function enter(member: Member, credentials: object): Promise<LinkedClient> {
  const client = member.connect();
  const reply = await client.call('session.auth', credentials);
  if (reply.error) throw new Error(`refused: ${reply.error.code}`);
  return client;
}
