import { chatEventKinds } from '../../../protocol/events.ts';
import { notifications, requests } from '../../../protocol/methods.ts';
import type { Message } from '../../e2e/support/wire-client.ts';
import { fromSchema } from './from-schema.ts';
import type { GarbageClient } from './garbage-client.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';

/** What makes the frames of one lane mean something: without it nearly all would end at the first check. */
export interface Known {
  agentId: string;
  sessions: string[];
  turns: string[];
  approvals: string[];
  /** Ids of `tools.execute` as the host was asked them. */
  calls: string[];
  /** Sessions of the pair that must not be disturbed. */
  strangers: () => readonly string[];
}

/** Whether an agent of this lane opens chats itself: nobody is sure to answer them then. */
export interface SourceOptions {
  agentOpensChats: boolean;
}

/** Those that write a file, or are answered with a lot, now or from then on: more seldom than the others. */
const COSTLY = new Set([
  'keys.add',
  'keys.remove',
  'keys.rotate',
  'agents.upsert',
  'agents.remove',
  'host.agents',
  'host.events',
  'host.approvals',
  'host.subscribe',
]);
/** The lane's own sessions; of others as many are known, the newest. */
export const OWN_SESSIONS = 6;
const KINDS = Object.keys(chatEventKinds) as (keyof typeof chatEventKinds)[];
const RARE_KINDS = new Set(['done', 'error', 'auth_required']);
const REQUESTS = [...requests.keys()].filter((name) => !COSTLY.has(name));
const NOTIFICATIONS = [...notifications.keys()];
const TARGETING = new Set(['agents.chat.cancel', 'agents.chat.approve', 'agent.chat.event', 'tools.execute']);

/** Frames of one client: valid ones, and ones that were. */
export class GarbageSource {
  readonly #random: Random;
  readonly #client: GarbageClient;
  readonly #known: Known;
  readonly #options: SourceOptions;
  readonly #asked: Message[] = [];
  #ids = 0;

  constructor(random: Random, client: GarbageClient, known: Known, options: SourceOptions) {
    this.#random = random;
    this.#client = client;
    this.#known = known;
    this.#options = options;
  }

  /** Notes what the daemon has sent meanwhile. */
  learn(): void {
    const { sessions, turns, approvals, calls } = this.#known;
    for (const message of this.#client.inbox) {
      const { params = {} } = message;
      if (message.id !== undefined) this.#asked.push(message);
      if (message.method === 'tools.execute') calls.push(params.request_id);
      if (message.method === 'agent.chat') {
        turns.push(params.turn_id);
        // Those that it opened itself it knows by other names, as their agent.
        const isOther = !sessions.includes(params.session_id);
        if (isOther && sessions.some((own) => params.session_id.startsWith(`${own}:`)))
          sessions.push(params.session_id);
      }
      if (params.kind === 'approval.requested')
        approvals.push(params.payload?.id ?? params.payload?.approval?.id ?? 'x');
      if (params.kind === 'approval_pending') approvals.push(params.approval_id);
    }
    this.#client.inbox = [];
    for (const list of [turns, approvals, calls]) list.splice(0, list.length - 20);
    sessions.splice(OWN_SESSIONS, sessions.length - 2 * OWN_SESSIONS);
  }

  frames(count: number): string[] {
    return Array.from({ length: count }, () => {
      const message = this.#message();
      const isKey = message.result !== undefined || message.method === 'agents.chat';
      const changes = this.#random.chance(isKey ? 0.6 : 0.25) ? 0 : 1 + this.#random.int(3);
      return mutate(this.#random, message, changes);
    });
  }

  #message(): Record<string, unknown> {
    const random = this.#random;
    const asked = this.#asked.length > 0 && random.chance(0.3) ? this.#asked.shift() : undefined;
    if (asked) return { jsonrpc: '2.0', id: asked.id, ...this.#answer(asked) };
    const method = this.#method();
    const { params } = requests.get(method) ?? notifications.get(method) ?? {};
    const schema = method === 'agent.chat.event' ? chatEventKinds[this.#kind()] : params;
    const message = {
      jsonrpc: '2.0',
      method,
      params: schema && fromSchema(random, schema, (f) => this.#meaning(method, f)),
    };
    // A method that is a request, without an id, and the other way round, too.
    return random.chance(notifications.has(method) ? 0.05 : 0.95) ? { ...message, id: this.#id() } : message;
  }

  #method(): string {
    const random = this.#random;
    const { caller } = this.#client;
    if (caller === 'agent') {
      if (random.chance(0.5)) return 'agent.chat.event';
      if (random.chance(0.2)) return 'tools.execute';
    } else if (random.chance(0.25)) return 'agents.chat';
    if (random.chance(0.006)) return random.pick([...COSTLY]);
    if (random.chance(0.1)) return random.pick(NOTIFICATIONS);
    const method = random.pick(REQUESTS);
    return method === 'agents.chat' && caller === 'agent' && !this.#options.agentOpensChats ? 'host.notify' : method;
  }

  #kind(): keyof typeof chatEventKinds {
    const kind = this.#random.pick(KINDS);
    return RARE_KINDS.has(kind) && this.#random.chance(0.9) ? 'token' : kind;
  }

  #answer({ method }: Message): object {
    const random = this.#random;
    if (random.chance(0.1)) return { error: { code: -32000, message: 'no' } };
    if (method === 'agent.chat') return { result: { accepted: random.chance(0.95) } };
    if (method === 'agent.chat.approve') return { result: { resolved: random.chance(0.7) } };
    return { result: random.pick<unknown>([null, false, 'text', { time: 12 }, []]) };
  }

  #id(): string | number {
    this.#ids += 1;
    const id = this.#ids;
    return this.#random.pick<() => string | number>([
      () => id,
      () => `id-${id}`,
      () => -id,
      () => id + 0.5,
      () => `é${id}"\\`,
    ])();
  }

  #meaning(method: string, field: string): readonly unknown[] | undefined {
    const known = this.#known;
    switch (field) {
      case 'session_id':
        // The host role may end anybody's turn, and so must leave these alone.
        if (TARGETING.has(method) && this.#client.caller !== 'host' && this.#random.chance(0.1))
          return known.strangers();
        return known.sessions;
      case 'agent_id':
        return [known.agentId];
      case 'id':
        // The daemon knows thousands of agents at most; these it may forget, and learn again.
        return method.startsWith('agents.') ? ['spare-1', 'spare-2', 'spare-3'] : [this.#ids, `id-${this.#ids}`];
      case 'turn_id':
        return known.turns;
      case 'approval_id':
        return ['approval-1', 'approval-2', ...known.approvals];
      case 'request_id':
        return known.calls;
      case 'tool':
      case 'name':
        return ['clock', 'lamp'];
      case 'protocol_version':
        return [2, 3];
      case 'token':
      case 'host_token':
        return ['wrong'];
      case 'resume_window_ms':
        // Few: of each the daemon keeps a log for minutes after its end, and the heap is measured.
        return [0, 0, 0, 0, 0, 0, 0, 60_000];
      case 'prompt':
      case 'delta':
        return ['on and on', 'Zoë 👋'];
      default:
        return undefined;
    }
  }
}
