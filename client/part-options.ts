import type { InputOf } from '../protocol/methods.ts';
import { checkOptions } from '../protocol/options.ts';
import type { ChatOptions } from './chat.ts';
import type { SubscribeOptions } from './host-events.ts';
import type { Names } from './known-options.ts';
import type { McpOptions } from './mcp.ts';
import type { IngestOptions } from './surfaces.ts';
import type { ToolOptions } from './tool.ts';
import type { Camel } from './wire-names.ts';

/** Methods whose parameters the SDK takes as options, under names of its own case. */
export type Asked =
  | 'agents.upsert'
  | 'host.request_approval'
  | 'host.register_agent'
  | 'host.set_status'
  | 'host.notify';

/** What they take. */
export const PARAMS: { readonly [K in Asked]: Names<Camel<InputOf<K>>> } = {
  'agents.upsert': { id: true, name: true, capabilities: true, metadata: true, rotateToken: true },
  'host.request_approval': { agentId: true, action: true, details: true, options: true },
  'host.register_agent': {
    id: true,
    name: true,
    kind: true,
    capabilities: true,
    project: true,
    pid: true,
    display: true,
    metadata: true,
  },
  'host.set_status': { agentId: true, status: true, currentTask: true, message: true, payload: true },
  'host.notify': { kind: true, agentId: true, message: true, payload: true },
};

/** What the parts of a host take that are loaded when they are first asked for. */
const CALLS = {
  approvalOutcome: { signal: true } satisfies Names<{ signal?: AbortSignal | undefined }>,
  subscribe: { bufferLimit: true, onRenewed: true } satisfies Names<SubscribeOptions>,
  tool: { description: true, parameters: true, validate: true } satisfies Names<ToolOptions>,
  'goals.set': { check: true, maxIterations: true } satisfies Names<NonNullable<ChatOptions['goal']>>,
  mcp: { startTimeoutMs: true, onTools: true, onSkipped: true } satisfies Names<McpOptions>,
  'surfaces.act': {
    name: true,
    action: true,
    surfaceId: true,
    sourceComponentId: true,
    timestamp: true,
    context: true,
  } satisfies Names<InputOf<'a2ui.action'>>,
  'surfaces.ingest': {
    owner: true,
    endpoint: true,
    routeAuth: true,
    allowUntrustedEndpoint: true,
  } satisfies Names<IngestOptions>,
} as const;

/** The same as `checkCall`, for these. @throws {TypeError} that names the option and what was meant. */
export function checkPart(call: keyof typeof CALLS, options: object | undefined): void {
  checkOptions(call, options, CALLS[call]);
}
