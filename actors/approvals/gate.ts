import { UNGATEABLE_METHODS } from '../../protocol/approvals.ts';
import { WireError } from '../../protocol/errors.ts';
import { isObject } from '../../protocol/json.ts';
import { key } from '../kernel/key.ts';
import { preview } from '../kernel/preview.ts';
import type { Call, RequestGate } from '../requests/dispatcher.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { reply } from '../requests/reply.ts';
import { raiseApproval } from './approval.ts';
import { checkApprovalRoom } from './approvals.ts';
import { FIND_TURN, type GatedTurn } from './gated-turn.ts';

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

/** The gate of a broker. */
export const GATE = key<Gate>('the gate');

/** The approval gate (`wire.md` section 5). */
export class Gate implements RequestGate {
  readonly timeoutMs: number;
  readonly #methods: ReadonlySet<string>;
  /** Prompts of the broker's own chats, by their sessions. */
  readonly #hidden = new Map<string, { prompt: string; shown: string }>();

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
   * own (`wire.md` section 11). `shown` stands in its place. The function that it gives ends that.
   */
  hide(sessionId: string, prompt: string, shown: string): () => void {
    this.#hidden.set(sessionId, { prompt, shown });
    return () => this.#hidden.delete(sessionId);
  }

  /** What may be shown of a request. Of anybody else's prompt, and be it sent in that session, nothing is hidden. */
  shown(params: unknown): unknown {
    if (!isObject(params) || typeof params.session_id !== 'string' || typeof params.prompt !== 'string') return params;
    const hidden = this.#hidden.get(params.session_id);
    return hidden?.prompt === params.prompt ? { ...params, prompt: hidden.shown } : params;
  }

  /** See {@link RequestGate}. */
  park(call: Call<unknown>, method: string, shown: ((params: unknown) => unknown) | undefined, run: () => void): void {
    parkAtGate(this, call, method, shown ? shown(call.params) : this.shown(call.params), run);
  }

  coversTool(tool: string): boolean {
    return this.#methods.has(TOOLS_EXECUTE) || this.#methods.has(`${TOOLS_EXECUTE}:${tool}`);
  }
}

const TOOLS_EXECUTE = 'tools.execute';

/** The turn that a request belongs to: an agent's that names the session of a turn which it answers. */
function turnOf({ kernel, from, params }: Call<unknown>): GatedTurn | undefined {
  if (from.role !== 'agent' || !isObject(params) || typeof params.session_id !== 'string') return undefined;
  return kernel.get(FIND_TURN)(params.session_id, from);
}

/**
 * Has a request wait for a person's word (`wire.md` section 5): approved, it runs; denied or not answered in time, it
 * gets `-32003`; its caller gone, it is withdrawn. So it is where the turn that it belongs to ends: then it gets `-32018`.
 * @throws {WireError} `-32020` where this caller has too many waiting, `-32018` where its turn is ending.
 */
function parkAtGate({ timeoutMs }: Gate, call: Call<unknown>, method: string, shown: unknown, run: () => void): void {
  const { kernel, from, id, params, trace } = call;
  const turn = turnOf(call);
  if (turn?.isEnding) throw WireError.toolCancelled('turn_ended');
  const details = {
    method,
    params_preview: preview(shown),
    ...(turn ? { session_id: turn.sessionId, turn_id: turn.id } : {}),
  };
  checkApprovalRoom(kernel, from, jsonBytes(details));
  const release = kernel.held.hold(from, params);
  const approval = raiseApproval(kernel, {
    kind: 'gate',
    raiser: from,
    agentId: from.agentId ?? null,
    action: `ws.method:${method}`,
    details,
    params,
    gated: turn,
    trace,
    timeoutMs,
    onSettled: (outcome, source) => {
      release();
      if (outcome === 'approved') run();
      else if (outcome === 'withdrawn') {
        // Its caller is still there, perhaps, where only the turn has ended.
        if (turn && from.isOpen) reply(kernel, from, id, { error: WireError.toolCancelled('turn_ended') }, source);
      } else {
        const reason = outcome === 'denied' ? 'denied' : 'timeout';
        reply(kernel, from, id, { error: WireError.approvalDenied(reason, approval.id) }, source);
      }
    },
  });
}
