import { UNGATEABLE_METHODS } from '../../protocol/approvals.ts';
import { isObject } from '../../protocol/json.ts';

/** CAR's set: methods that an embedder may add and nobody should run unasked (`wire.md` section 5). */
export const DEFAULT_GATED_METHODS: readonly string[] = [
  'automation.run_applescript',
  'automation.run_powershell',
  'automation.shortcuts.run',
  'messages.send',
  'mail.send',
  'calendar.create_event',
  'calendar.update_event',
  'calendar.delete_event',
  'vision.ocr',
];

/** Which requests wait for a person's word first. */
export interface ApprovalPolicy {
  /** False lets everything through. Default true. */
  enabled?: boolean;
  /** Exact names of request methods, or `tools.execute:<tool>`. Default {@link DEFAULT_GATED_METHODS}. */
  methods?: readonly string[];
  /** Milliseconds until nobody's answer counts as none. Default `limits.approvalTimeoutMs`. */
  timeoutMs?: number;
}

/** The approval gate (`wire.md` section 5). */
export class Gate {
  readonly timeoutMs: number;
  readonly #methods: ReadonlySet<string>;
  /** Prompts of the broker's own chats, by their sessions. */
  readonly #hidden = new Map<string, string>();

  /** @throws {RangeError} where the policy names a method that cannot wait. */
  constructor(policy: ApprovalPolicy, defaultTimeoutMs: number) {
    const methods = policy.methods ?? DEFAULT_GATED_METHODS;
    const impossible = methods.find((method) => UNGATEABLE_METHODS.includes(method));
    if (impossible !== undefined) throw new RangeError(`${impossible} cannot wait for an approval`);
    this.#methods = new Set(policy.enabled === false ? [] : methods);
    this.timeoutMs = policy.timeoutMs ?? defaultTimeoutMs;
  }

  /** Whether a request of this method is parked. Tools are asked about one by one: {@link coversTool}. */
  covers(method: string): boolean {
    return method !== TOOLS_EXECUTE && this.#methods.has(method);
  }

  /**
   * Has the broker's own chat in this session be asked about without its prompt, which may be what an agent said among its
   * own (`wire.md` section 11). The function that it gives ends that.
   */
  hide(sessionId: string, prompt: string): () => void {
    this.#hidden.set(sessionId, prompt);
    return () => this.#hidden.delete(sessionId);
  }

  /** What may be shown of a request. Of anybody else's prompt, and be it sent in that session, nothing is hidden. */
  shown(params: unknown): unknown {
    if (!isObject(params) || typeof params.session_id !== 'string' || typeof params.prompt !== 'string') return params;
    if (this.#hidden.get(params.session_id) !== params.prompt) return params;
    return { ...params, prompt: HIDDEN };
  }

  coversTool(tool: string): boolean {
    return this.#methods.has(TOOLS_EXECUTE) || this.#methods.has(`${TOOLS_EXECUTE}:${tool}`);
  }
}

const TOOLS_EXECUTE = 'tools.execute';
/** What stands where such a prompt was. */
const HIDDEN = '[what was said in a meeting]';
