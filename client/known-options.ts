import { checkOptions, type KnownOptions } from '../protocol/options.ts';
import type { AgentOptions } from './agent.ts';
import type { ReconnectOptions } from './backoff.ts';
import type { ApproveOptions, CancelOptions, ChatOptions, ResumeOptions } from './chat.ts';
import type { HostOptions } from './host.ts';
import type { SubscribeOptions } from './host-events.ts';
import { checkPlace, type PlaceOptions } from './place.ts';
import type { RequestOptions } from './request.ts';
import type { IngestOptions } from './surfaces.ts';
import type { ToolOptions } from './tool.ts';
import type { ToolCallOptions } from './turn-tools.ts';
import type { SpeakOptions, TranscribeOptions } from './voice.ts';

/** All names of an options' type: one that is forgotten here does not compile. */
type Names<T> = Readonly<Record<keyof T, true>>;

const PLACE: Names<PlaceOptions> = { url: true, link: true };

/** What connects a host. */
export const HOST_OPTIONS: Names<HostOptions & PlaceOptions> = {
  ...PLACE,
  token: true,
  hostToken: true,
  reconnect: true,
  onStatus: true,
  connectTimeoutMs: true,
  onToolError: true,
  onFrame: true,
  onNotification: true,
};

/** What connects an agent. */
export const AGENT_OPTIONS: Names<AgentOptions & PlaceOptions> = {
  ...PLACE,
  agentId: true,
  token: true,
  reconnect: true,
  waitForBroker: true,
  connectTimeoutMs: true,
  onStatus: true,
  onChat: true,
  accept: true,
  onError: true,
  onTranscribe: true,
  onSpeak: true,
  onVoiceError: true,
};

const RECONNECT: Names<ReconnectOptions> = { minMs: true, maxMs: true, stableMs: true };

/** What else the SDK takes, by the call that takes it. */
const CALLS = {
  chat: {
    sessionId: true,
    conversationId: true,
    stream: true,
    voiceInput: true,
    model: true,
    attachments: true,
    goal: true,
    context: true,
    onBusy: true,
    resumeWindowMs: true,
    signal: true,
    bufferLimit: true,
    resumable: true,
    onInterruption: true,
  } satisfies Names<ChatOptions>,
  'chat, goal': { check: true, maxIterations: true } satisfies Names<NonNullable<ChatOptions['goal']>>,
  resume: {
    role: true,
    fromStart: true,
    signal: true,
    bufferLimit: true,
    onInterruption: true,
  } satisfies Names<ResumeOptions>,
  'chat.cancel': { graceMs: true } satisfies Names<CancelOptions>,
  'chat.approve': { answer: true } satisfies Names<ApproveOptions>,
  request: { timeoutMs: true } satisfies Names<RequestOptions>,
  subscribe: { bufferLimit: true, onRenewed: true } satisfies Names<SubscribeOptions>,
  tool: { description: true, parameters: true } satisfies Names<ToolOptions>,
  'tools.call': {
    timeoutMs: true,
    signal: true,
    actionId: true,
    attempt: true,
    onProgress: true,
  } satisfies Names<ToolCallOptions>,
  transcribe: {
    sampleRate: true,
    channels: true,
    provider: true,
    bufferLimit: true,
  } satisfies Names<TranscribeOptions>,
  speak: { provider: true, voiceId: true, bufferLimit: true } satisfies Names<SpeakOptions>,
  'surfaces.ingest': {
    owner: true,
    endpoint: true,
    routeAuth: true,
    allowUntrustedEndpoint: true,
  } satisfies Names<IngestOptions>,
} as const;

/**
 * Refuses an option of a call that does not exist, a name as it is on the wire, say.
 * @throws {TypeError} that names it and what was meant.
 */
export function checkCall(call: keyof typeof CALLS, options: object | undefined): void {
  checkOptions(call, options, CALLS[call]);
}

/** The same where a connection is made. */
export function checkConnecting(
  where: string,
  options: PlaceOptions & { reconnect?: ReconnectOptions | boolean | undefined },
  known: KnownOptions,
): void {
  checkOptions(where, options, known);
  checkPlace(where, options);
  if (typeof options.reconnect === 'object') checkOptions(`${where}, reconnect`, options.reconnect, RECONNECT);
}
