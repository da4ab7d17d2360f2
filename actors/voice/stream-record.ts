import type { AnyActorRef } from 'xstate';
import type { VoiceAsker, VoiceStreamEvent, VoiceStreamFacts } from '../../machines/voice-stream.machine.ts';
import type { AudioFormat } from '../../protocol/audio-frame.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Principal } from '../../protocol/principal.ts';
import type { AudioSource } from '../../protocol/voice.ts';
import type { VoiceKind } from '../../protocol/voice-kinds.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import type { ActorOf } from '../kernel/tell.ts';
import type { VoiceProvider } from './provider.ts';
import { StreamWaiting } from './stream-waiting.ts';
import type { Transcript } from './transcript.ts';

/** What is to be done. */
export type VoiceTask =
  | { kind: 'transcribe'; source: AudioSource }
  | { kind: 'speak'; text: string; voiceId: string | undefined; binaryFrames: boolean };

/** What a stream is made of. */
export interface VoiceStreamSpec {
  /** Its `session_id` or `stream_id`, as its client knows it. */
  id: string;
  client: Client;
  /** The request that started it. */
  requestId: RpcId | undefined;
  provider: VoiceProvider;
  task: VoiceTask;
  /** Answers the request that started it, in place of `voice.*_stream.start`’s own; called once its provider has accepted. */
  startResult?: () => JsonObject;
  /** Sees each event of the client's just before it is sent. It must not throw, nor change it. */
  observe?: (params: JsonObject) => void;
  /** It is over, however it ended. */
  ended?: (stream: VoiceStream) => void;
}

/** The records that a stream's chart holds and is told of. */
export interface StreamHolds {
  stream: VoiceStream;
  client: Client;
}

/** Everything that a stream hears. */
export type StreamHears = VoiceStreamEvent<StreamHolds>;

/** One stream's record: what its actor, its client and its provider share. Plain and mutable, never copied. */
export class VoiceStream implements VoiceStreamFacts {
  readonly spec: VoiceStreamSpec;
  /** Its id, as one principal's alone: what it is kept under, and what another principal calls it that sees it. */
  readonly key: string;
  readonly providerId: string;
  readonly transcript: Transcript;
  /** In the clock's milliseconds. */
  readonly startedAt: number;
  /** When audio or an event came last, in the clock's milliseconds. */
  lastFrameAt: number;
  /** The number of the next binary frame to the provider. What was dropped takes one, too: the provider sees the gap. */
  nextAudioSeq = 0;
  /** What waits of it: audio for its provider's connection, speech for its client's. */
  readonly waiting = new StreamWaiting();
  /** Of speech that came as binary frames, or goes as such: the next piece's number, and the last one's format. */
  nextChunkSeq = 0;
  /** The number that its provider gave the last piece of speech. */
  lastHeardSeq: bigint | undefined;
  format: AudioFormat = 'pcm';
  /** Pieces went out as JSON that were none: the last of them is still to come. */
  needsLastPiece = false;
  isStopAsked = false;
  /** Audio that did not fit was dropped last time; its client has been told. */
  isDropping = false;
  /** Who waits for the transcript. */
  readonly stoppers: VoiceAsker<Client>[] = [];
  deadline: Deadline | undefined;
  /** The request that its provider has not answered. */
  callId: string | undefined;
  ref: (AnyActorRef & ActorOf<StreamHears>) | undefined;

  constructor(spec: VoiceStreamSpec, providerId: string, transcript: Transcript, now: number) {
    this.spec = spec;
    this.key = agentSessionId(spec.client.principal, spec.id);
    this.providerId = providerId;
    this.transcript = transcript;
    this.startedAt = now;
    this.lastFrameAt = now;
  }

  get id(): string {
    return this.spec.id;
  }
  get kind(): VoiceKind {
    return this.spec.task.kind;
  }
  /** Whose it is. */
  get owner(): Principal {
    return this.spec.client.principal;
  }
  get client(): Client {
    return this.spec.client;
  }
  get provider(): VoiceProvider {
    return this.spec.provider;
  }
  /** The agent that provides it; none: the embedder's own provider. */
  get agentId(): string | undefined {
    return this.provider.agentId;
  }
  /** Its speech goes to the client as binary frames. */
  get isBinary(): boolean {
    return this.spec.task.kind === 'speak' && this.spec.task.binaryFrames;
  }
}
