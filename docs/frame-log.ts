import type { Broker } from '../broker.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';

/** Ids that the broker makes, which differ from run to run. */
const UUID = /(?<=(?:turn|client|chat|approval|epoch)-)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** When something happened. */
const MOMENT = /(?<="(?:created|resolved|updated)_at":")[^"]{24}/g;
const SOME_MOMENT = '2026-01-01T00:00:00.000Z';
/** When something that waits a minute will be over. */
const END = /(?<="expires_at":")[^"]{24}/g;
const SOME_END = '2026-01-01T00:01:00.000Z';

/** Everything that crosses the wire between a broker in this process and its clients, in order. */
export class FrameLog {
  readonly #broker: Broker;
  #lines: string[] = [];
  /** What values that differ from run to run are replaced with: the same value reads the same everywhere. */
  readonly #standIns = new Map<string, string>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Connects a client. @param name what the log calls it. */
  connect(name: string): LoggedClient {
    const link = this.#broker.connect();
    const client: LoggedClient = {
      last: {},
      send: async (message) => {
        const text = JSON.stringify({ jsonrpc: '2.0', ...message });
        this.#lines.push(`// ${name} → broker`, text);
        link.send(text);
        await settled();
      },
      close: async () => {
        link.close(1000, '');
        await settled();
      },
    };
    link.open({
      text: (text) => {
        this.#lines.push(`// broker → ${name}`, text);
        client.last = JSON.parse(text) as JsonObject;
      },
      binary: () => {},
      closed: (code) => this.#lines.push(`// ${name}: connection closed, ${code}`),
    });
    return client;
  }

  /** Has a secret read as `<label>`, also where it was recorded already. */
  label(secret: unknown, label: string): void {
    this.#standIns.set(String(secret), `<${label}>`);
  }

  /** What was recorded since the last time, as a block of Markdown. */
  take(): string {
    const block = ['```jsonc', ...this.#lines, '```']
      .join('\n')
      .replaceAll(MOMENT, SOME_MOMENT)
      .replaceAll(END, SOME_END);
    this.#lines = [];
    for (const [id] of block.matchAll(UUID)) {
      const standIn = `019a2b3c-4d5e-7f60-8a9b-${(0xc0d1e2f30000 + this.#standIns.size).toString(16)}`;
      if (!this.#standIns.has(id)) this.#standIns.set(id, standIn);
    }
    return [...this.#standIns].reduce((text, [value, standIn]) => text.replaceAll(value, standIn), block);
  }
}

/** One client whose frames are recorded. */
export interface LoggedClient {
  /** The newest frame that it was sent. */
  last: JsonObject;
  /** Sends one frame, `jsonrpc` filled in, and waits until everything that follows from it has happened. */
  send(message: object): Promise<void>;
  close(): Promise<void>;
}

/** A member of the newest frame's `params` or `result`. @throws {Error} where it is not there. */
export function field(client: LoggedClient, name: string): unknown {
  const { params, result } = client.last;
  for (const holder of [params, result]) if (isObject(holder) && name in holder) return holder[name];
  throw new Error(`the newest frame has no ${name}`);
}

/** The pair of links in memory delivers in microtasks, of which none is left after this. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
