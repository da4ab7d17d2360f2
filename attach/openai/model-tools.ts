import type { Turn } from '../../client/node.ts';

/** What servers take as a tool's name. */
const MAX_NAME = 64;
/** How much of a tool's answer its event shows. Characters. */
const MAX_EXCERPT = 2_048;

/** A call that a model wants made. */
export interface WantedCall {
  /** The model's own name for it; empty where it gave none. */
  id: string;
  name: string;
  /** JSON, if the model got it right. */
  args: string;
}

/** The tools of a turn's host, as a model's server takes them. */
export class ModelTools {
  /** Undefined where the host has none: an empty list is refused by servers. */
  readonly definitions: readonly object[] | undefined;
  readonly #turn: Turn;
  /** The host's names, by those that the model is told. */
  readonly #names = new Map<string, string>();
  #calls = 0;

  constructor(turn: Turn) {
    this.#turn = turn;
    const definitions = turn.tools.list.map(({ name, description, parameters }) => ({
      type: 'function',
      function: {
        name: this.#tellable(name),
        ...(description === undefined ? {} : { description }),
        parameters: parameters ?? { type: 'object', properties: {} },
      },
    }));
    this.definitions = definitions.length > 0 ? definitions : undefined;
  }

  /** Makes a call, and tells the host of it before and after. What went wrong is told to the model. Rejects only with the turn. */
  async call({ name: told, args }: WantedCall): Promise<string> {
    const name = this.#names.get(told);
    const tool = name ?? told.slice(0, 256);
    const event = { call_id: `call-${++this.#calls}`, tool };
    const finish = (ok: boolean, text: string) => {
      this.#turn.event({ kind: 'tool_result', ...event, ok, excerpt: text.slice(0, MAX_EXCERPT) });
      return ok ? text : `Error: ${text}`;
    };
    const read = parsed(args);
    this.#turn.event({ kind: 'tool_call', ...event, params: read?.value ?? { text: args.slice(0, MAX_EXCERPT) } });
    if (name === undefined) return finish(false, `there is no tool ${tool}`);
    if (!read) return finish(false, 'the arguments are no JSON');
    try {
      const result = await this.#turn.tools.call(name, read.value);
      return finish(true, typeof result === 'string' ? result : JSON.stringify(result));
    } catch (error) {
      this.#turn.signal.throwIfAborted();
      return finish(false, error instanceof Error ? error.message : String(error));
    }
  }

  #tellable(name: string): string {
    const plain = name.replaceAll(/[^\w-]/g, '_');
    let told = plain.slice(0, MAX_NAME);
    for (let n = 2; this.#names.has(told); n += 1) told = `${plain.slice(0, MAX_NAME - 5)}_${n}`;
    this.#names.set(told, name);
    return told;
  }
}

/** No arguments at all are none. */
function parsed(args: string): { value: unknown } | undefined {
  if (args.trim() === '') return { value: {} };
  try {
    return { value: JSON.parse(args) };
  } catch {
    return undefined;
  }
}
