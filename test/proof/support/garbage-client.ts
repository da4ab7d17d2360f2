import { ErrorCode } from '../../../protocol/index.ts';
import { isObject } from '../../../protocol/json.ts';
import { parseJson } from '../../../protocol/parse-json.ts';
import type { Message } from '../../e2e/support/wire-client.ts';
import { breachOfMessage, breachOfReply, type Caller, type Due, dueTo, idText } from './contract.ts';
import { RawSocket } from './raw-socket.ts';
import { paramsOf, TurnWatch } from './turn-watch.ts';

type ReplyDue = Extract<Due, { kind: 'reply' }> & { text: string };
/** What is due to one id: more than one where it was used again, and then nobody can tell which reply is whose. */
interface Waiting {
  dues: ReplyDue[];
  usedTwice: boolean;
  /** Whether any of them was of {@link LATER}. */
  mayWait: boolean;
}

/**
 * Answered when somebody else has answered, or gone, or when what they need is there (schemas, a memory, a record on
 * disk); anything else at once.
 */
const LATER =
  /^(agents\.(chat(\.approve)?|upsert|remove)|keys\.(add|remove|rotate)|goal\.(set|clear)|host\.resolve_approval|tools\.execute|(a2ui|voice)[./].+|(memory|meeting)\..+)$/;

/** The clients that live now: what they have sent is shown where a test fails. */
const living = new Set<GarbageClient>();

/** What each of the clients that live has sent last. */
export function lastFrames(): string {
  return [...living].map((client) => client.describe()).join('\n\n');
}

/** A client that sends anything, and holds the daemon to the contract in what it answers. */
export class GarbageClient {
  readonly caller: Caller;
  /** Messages of the daemon's that are no replies, until somebody takes them. */
  inbox: Message[] = [];
  readonly turns = new TurnWatch();
  readonly #socket: RawSocket;
  readonly #due = new Map<string, Waiting>();
  /** Errors with `id: null` that are still due, by code; below zero: too many. */
  readonly #unnamed = new Map<number, number>();
  /** What those that came last were, for whoever reads a failure. */
  #lastUnnamed: string[] = [];
  /** What the daemon has asked, by its ids. */
  readonly #asked = new Set<string>();
  /** So many of those with -32600 are perhaps not due: of answers that are malformed, and settle what waits. */
  #perhaps = 0;
  #sent: string[] = [];
  #marks = 0;
  #look: () => void = () => {};
  #fault: Error | undefined;
  #leaving = false;

  private constructor(socket: RawSocket, caller: Caller) {
    this.#socket = socket;
    this.caller = caller;
    socket.onText = (text) => {
      const breach = this.#take(text);
      if (breach !== undefined) this.#fail(`${breach}:\n${text.slice(0, 1_000)}`);
    };
    const gone = (how: string) => {
      if (!this.#leaving) this.#fail(how);
      living.delete(this);
      this.#look();
    };
    socket.closed.then(
      ({ code }) => gone(`closed with ${code}`),
      (error) => gone(error.message),
    );
    living.add(this);
  }

  static async open(port: number, auth: object): Promise<GarbageClient> {
    const caller = 'host_token' in auth ? 'host' : 'agent_id' in auth ? 'agent' : 'client';
    const client = new GarbageClient(await RawSocket.open(port), caller);
    client.send([JSON.stringify({ jsonrpc: '2.0', id: 'auth', method: 'session.auth', params: auth })]);
    await client.settled();
    return client;
  }

  /** Sends texts, and keeps account of what is due to them. */
  send(texts: readonly string[]): void {
    for (const text of texts) {
      const due = dueTo(text, this.caller);
      if (due.kind === 'reply') {
        const waiting = this.#due.get(due.id) ?? { dues: [], usedTwice: false, mayWait: false };
        waiting.usedTwice ||= waiting.dues.length > 0;
        waiting.mayWait ||= LATER.test(due.method ?? '');
        waiting.dues.push({ ...due, text });
        this.#due.set(due.id, waiting);
      } else if (due.kind === 'unnamed') {
        this.#count(due.code, 1);
        if (due.settles !== undefined && this.#asked.has(due.settles)) this.#perhaps += 1;
      } else if (text.includes('agents.chat')) this.turns.unnamed += 1;
    }
    this.#sent.push(...texts);
    this.#socket.sendTexts(texts);
  }

  /** Waits until the daemon has dealt with all that was sent: what is answered at once has been answered. */
  async settled(): Promise<void> {
    this.#marks += 1;
    const id = `settled-${this.#marks}`;
    this.send([JSON.stringify({ jsonrpc: '2.0', id, method: 'server.handshake', params: { protocol_version: 3 } })]);
    await this.#until(() => !this.#due.has(JSON.stringify(id)));
    for (const [code, count] of this.#unnamed) {
      const most = code === ErrorCode.InvalidRequest ? this.#perhaps : 0;
      if (count < 0 || count > most) this.#fail(`${count} too few of the errors ${code} with id null`);
    }
    this.#unnamed.clear();
    this.#perhaps = 0;
    for (const { dues, mayWait } of this.#due.values()) {
      if (!mayWait) this.#fail(`never answered:\n${dues[0]?.text.slice(0, 2_000)}`);
    }
    this.#check();
  }

  /** Waits until nothing is due any more; of the methods that are given, where there are any. */
  async answered(methods?: readonly string[]): Promise<void> {
    const isDue = ({ method = '' }: ReplyDue) => methods === undefined || methods.includes(method);
    await this.#until(() => !this.#unanswered().some(isDue));
  }

  /** Leaves: with a close, or with a reset. */
  async leave(how: 'close' | 'reset'): Promise<void> {
    this.#leaving = true;
    this.#socket[how]();
    await this.#socket.closed;
    this.#check();
  }

  describe(): string {
    const due = this.#unanswered().map(({ text }) => text.slice(0, 500));
    const last = this.#sent.slice(-30).map((text) => text.slice(0, 500));
    const unnamed = this.#lastUnnamed;
    return [
      `${this.caller}, unanswered:`,
      ...due.slice(0, 20),
      'errors without an id that came last:',
      ...unnamed,
      'its last frames:',
      ...last,
    ].join('\n  ');
  }

  #take(text: string): string | undefined {
    const message = parseJson(text) as Message;
    const breach = breachOfMessage(message);
    if (breach !== undefined) return breach;
    if (message.method === undefined) return this.#takeReply(message, text);
    if (message.method === 'agents.chat.event') {
      const wrong = this.turns.event(message.params);
      if (wrong !== undefined) return wrong;
    }
    if (message.id !== undefined) this.#asked.add(idText(message.id));
    this.inbox.push(message);
    return undefined;
  }

  #takeReply(message: Message, text: string): string | undefined {
    if (message.id === null) {
      this.#count(message.error?.code, -1);
      this.#lastUnnamed = [...this.#lastUnnamed, text].slice(-10);
      return undefined;
    }
    const id = idText(message.id);
    const waiting = this.#due.get(id);
    const due = waiting?.dues.shift();
    if (!waiting || !due) return 'a reply that nothing asked for';
    if (waiting.dues.length === 0) this.#due.delete(id);
    const breach = waiting.usedTwice ? undefined : breachOfReply(message, due);
    if (breach !== undefined) return `${breach} to ${due.text.slice(0, 2_000)}`;
    if (isObject(message.result)) {
      this.turns.answered(message.result, waiting.usedTwice ? undefined : paramsOf(due.text));
    }
    this.#look();
    return undefined;
  }

  #unanswered(): ReplyDue[] {
    return [...this.#due.values()].flatMap(({ dues }) => dues);
  }

  #count(code: number, by: number): void {
    this.#unnamed.set(code, (this.#unnamed.get(code) ?? 0) + by);
  }

  #until(found: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        if (this.#fault) reject(this.#fault);
        else if (found()) resolve();
      };
      this.#look();
    });
  }

  #fail(what: string): void {
    this.#fault ??= new Error(`${what}\n${this.describe()}`);
    this.#look();
  }

  #check(): void {
    if (this.#fault) throw this.#fault;
  }
}
