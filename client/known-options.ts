import { checkOptions, type KnownOptions } from '../protocol/options.ts';
import type { ReconnectOptions } from './backoff.ts';
import type { ApproveOptions, CancelOptions, ChatOptions, ResumeOptions } from './chat.ts';
import type { HostOptions } from './host.ts';
import type { JsonOptions } from './place.ts';
import type { RequestOptions } from './request.ts';
import type { SpeakOptions, TranscribeOptions } from './voice.ts';

/** All names of an options' type: one that is forgotten here does not compile. */
export type Names<T> = Readonly<Record<keyof T, true>>;

/** What connects a host. */
export const HOST_OPTIONS: Names<HostOptions> = {
  token: true,
  hostToken: true,
  jwt: true,
  reconnect: true,
  waitForBroker: true,
  onStatus: true,
  connectTimeoutMs: true,
  onToolError: true,
  onFrame: true,
  onNotification: true,
};

const RECONNECT: Names<ReconnectOptions> = { minMs: true, maxMs: true, stableMs: true };

/** What the SDK takes, by the call that takes it; what its parts take is in `part-options.ts`. */
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
  'meetings.stop': { summarizer: true } satisfies Names<{ summarizer?: string | undefined }>,
  transcribe: {
    sampleRate: true,
    channels: true,
    provider: true,
    bufferLimit: true,
  } satisfies Names<TranscribeOptions>,
  speak: { provider: true, voiceId: true, bufferLimit: true } satisfies Names<SpeakOptions>,
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
  options: JsonOptions & { reconnect?: ReconnectOptions | boolean | undefined } & Pick<
      HostOptions,
      'token' | 'hostToken' | 'jwt'
    >,
  known: KnownOptions,
): void {
  checkOptions(where, options, known);
  const { json, token, hostToken, jwt } = options;
  if (jwt !== undefined && (token ?? hostToken) !== undefined)
    throw new TypeError(`${where}: a jwt goes with no token`);
  if (json !== undefined && (typeof json?.parse !== 'function' || typeof json.stringify !== 'function'))
    throw new TypeError(`${where}: json has parse and stringify, as JSON and exactJson do`);
  if (typeof options.reconnect === 'object') checkOptions(`${where}, reconnect`, options.reconnect, RECONNECT);
}
