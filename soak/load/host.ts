import { setTimeout as pause } from 'node:timers/promises';
import { Client, type Fields, type Reply } from './client.ts';
import type { Heard } from './heard.ts';
import type { Ledger } from './ledger.ts';
import { GATED_TOOL, REFUSED, TOOL } from './script.ts';

/** Between two words of progress. Milliseconds. */
const PROGRESS_MS = 100;
const PROGRESS = 3;

/** A client that opens turns, offers tools, and hears of its own turns alone. */
export class Host {
  readonly name: string;
  readonly #url: string;
  readonly #token: string;
  readonly #ledger: Ledger;
  /** What it may hear of, by the turn's id. */
  readonly #heard = new Map<string, Heard>();
  /** Tool calls that it leaves unanswered until they are cancelled. */
  readonly #unanswered = new Set<unknown>();
  #client: Client | undefined;

  constructor(name: string, url: string, token: string, ledger: Ledger) {
    this.name = name;
    this.#url = url;
    this.#token = token;
    this.#ledger = ledger;
  }

  get client(): Client {
    if (!this.#client) throw new Error(`${this.name} is not connected`);
    return this.#client;
  }

  /** Connects, again too: whatever was on the last connection is not on this one. */
  async connect(): Promise<void> {
    const client = await Client.connect(this.#url, this.name, this.#ledger);
    this.#heard.clear();
    this.#unanswered.clear();
    client.onNotification = (method, params) => this.#notified(client, method, params);
    client.onRequest = (id, method, params) => this.#asked(client, id, method, params);
    this.#client = client;
    // All at once: the broker carries them out in order.
    const opening = [
      client.call('session.auth', { token: this.#token }),
      client.call('session.init', { tools: [{ name: TOOL }, { name: GATED_TOOL }] }),
    ];
    for (const { code } of await Promise.all(opening)) {
      if (code !== 0) this.#ledger.breach(`${this.name} could not open: ${code}`);
    }
  }

  /** Opens a turn. Its events go to `heard`, from the first on. */
  chat(params: object, heard: Heard): Promise<Reply> {
    return this.client.call('agents.chat', params, ({ code, result }) => {
      if (code === 0) this.#heard.set(result.turn_id, heard);
    });
  }

  /** Takes a turn up again, or watches it. */
  subscribe(params: object, heard: Heard): Promise<Reply> {
    return this.client.call('agents.chat.subscribe', params, ({ code, result }) => {
      if (code === 0) this.#heard.set(result.turn_id, heard);
    });
  }

  /** Forgets turns that have ended: an event of one is a stranger's from now on. */
  forget(): void {
    this.#heard.clear();
  }

  #notified(client: Client, method: string, params: Fields): void {
    if (method === 'agents.chat.event') {
      const heard = this.#heard.get(params.turn_id);
      if (heard) heard.event(params);
      else
        this.#ledger.breach(`${this.name} heard of a turn of somebody else: ${JSON.stringify(params).slice(0, 300)}`);
    } else if (method === 'tools.cancel') {
      // Too late, and on purpose: the broker drops it.
      if (this.#unanswered.delete(params.request_id)) client.send({ id: params.request_id, result: { late: true } });
    } else this.#ledger.breach(`${this.name} was told ${method}`);
  }

  #asked(client: Client, id: unknown, method: string, params: Fields): void {
    const isMine = [...this.#heard.values()].some(({ sessionId }) => sessionId === params.session_id);
    if (method !== 'tools.execute' || !isMine) {
      this.#ledger.breach(`${this.name} was asked for ${method} of ${params.session_id}, which is not its own`);
      return;
    }
    const { nonce, mode } = params.parameters;
    if (mode === 'late') this.#unanswered.add(id);
    else if (mode === 'refuse') client.send({ id, error: { code: REFUSED, message: nonce } });
    else if (mode === 'progress') void this.#progress(client, id, nonce);
    else client.send({ id, result: { nonce } });
  }

  async #progress(client: Client, id: unknown, nonce: string): Promise<void> {
    for (let step = 0; step < PROGRESS; step += 1) {
      client.notify('tools.progress', { request_id: id, progress: step });
      await pause(PROGRESS_MS);
    }
    client.send({ id, result: { nonce } });
  }
}
