import { Client, type Fields } from './client.ts';
import type { Ledger } from './ledger.ts';
import type { LoadPlan } from './messages.ts';

/** What a gate's row is called (`wire.md` section 5). */
const GATE = 'ws.method:';
/** Of so many parked calls one is denied. */
const DENIED_EVERY = 5;
const NOT_PENDING = -32016;

/** A connection that hears every `host.event`; one of them all also decides what waits at the gate. */
export class Subscriber {
  readonly #name: string;
  readonly #plan: LoadPlan;
  readonly #ledger: Ledger;
  readonly #decides: boolean;
  #client: Client | undefined;
  #decided = 0;

  constructor(name: string, plan: LoadPlan, ledger: Ledger, decides: boolean) {
    this.#name = name;
    this.#plan = plan;
    this.#ledger = ledger;
    this.#decides = decides;
  }

  async connect(): Promise<void> {
    const { url, tokens } = this.#plan;
    const client = await Client.connect(url, this.#name, this.#ledger, { host_token: tokens.host });
    let sequence = Number.NaN;
    client.onNotification = (method, params) => {
      if (method !== 'host.event') return this.#ledger.breach(`${this.#name} was told ${method}`);
      this.#ledger.count('host events');
      if (params.sequence !== sequence + 1) this.#ledger.breach(`event ${params.sequence} after ${sequence}`);
      sequence = params.sequence;
      if (this.#decides && params.kind === 'approval.requested') void this.#decide(client, params.payload);
    };
    this.#client = client;
    await client.call('server.handshake', { protocol_version: 3 });
    await client.call('host.subscribe', {}, ({ code, result }) => {
      if (code === 0) sequence = result.event_sequence;
      else this.#ledger.breach(`host.subscribe came to ${code}`);
    });
  }

  /** Leaves, and comes back; not the one that others wait for. */
  async again(): Promise<void> {
    if (this.#decides) return;
    const old = this.#client;
    await this.connect();
    await old?.close();
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  async #decide(client: Client, row: Fields): Promise<void> {
    if (!String(row.action).startsWith(GATE)) return;
    this.#decided += 1;
    const resolution = this.#decided % DENIED_EVERY === 0 ? 'deny' : 'approve';
    const { code } = await client.call('host.resolve_approval', { approval_id: row.id, resolution });
    this.#ledger.count('parked calls decided');
    // Its turn has ended meanwhile.
    if (code !== 0 && code !== NOT_PENDING) this.#ledger.breach(`host.resolve_approval came to ${code}`);
  }
}
