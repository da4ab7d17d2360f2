import { type AudioFormat, AudioFrameType, encodeAudioFrame } from '../../protocol/audio-frame.ts';
import { type Linked, type LinkedClient, type Message, settle } from './linked.ts';

/** An id that a stream with binary frames can have. */
export const hexId = (n: number): string => n.toString(16).padStart(32, '0');

/** Samples of 16 bits as they go over the wire. */
export const pcm = (...samples: number[]): Uint8Array => new Uint8Array(Int16Array.from(samples).buffer);
export const base64 = (audio: Uint8Array): string => Buffer.from(audio).toString('base64');

/** One binary frame. */
export const frameOf = (
  type: keyof typeof AudioFrameType,
  streamId: string,
  payload: Uint8Array = new Uint8Array(),
  format: AudioFormat = 'pcm',
): Uint8Array => encodeAudioFrame({ type: AudioFrameType[type], streamId, seq: 0n, format, payload });

export const SOURCE = { kind: 'pcm_push', sample_rate: 16_000, channels: 1 };

/** An attached agent that says it can do this. */
export async function provider(
  { broker, agent }: Linked,
  id: string,
  ...capabilities: string[]
): Promise<LinkedClient> {
  broker.upsertAgent({ id, capabilities });
  return agent(id);
}

/** Starts a transcription and has its provider accept; gives the provider's own id of it. */
export async function transcribe(host: LinkedClient, agent: LinkedClient, session_id: string): Promise<string> {
  const id = host.post('voice.transcribe_stream.start', { session_id, audio_source: SOURCE });
  return accept(host, agent, id, 'voice.transcribe.start');
}

/** The same for speech. */
export async function speak(host: LinkedClient, agent: LinkedClient, params: Message): Promise<string> {
  const id = host.post('voice.tts_stream.start', { text: 'hello', ...params });
  return accept(host, agent, id, 'voice.speak.start');
}

/** The same for a meeting. */
export async function startMeeting(host: LinkedClient, agent: LinkedClient, params: Message): Promise<string> {
  const id = host.post('meeting.start', { audio_source: SOURCE, ...params });
  return accept(host, agent, id, 'voice.transcribe.start');
}

async function accept(host: LinkedClient, agent: LinkedClient, id: number, method: string): Promise<string> {
  await settle();
  const request = agent.received(method).at(-1);
  agent.answer(request, { accepted: true });
  await settle();
  const reply = host.replyTo(id);
  if (!reply?.result) throw new Error(`not started: ${JSON.stringify(reply)}`);
  return request.params.stream_id;
}

/** The parameters of the voice events that a client received. */
export const voiceEvents = (client: LinkedClient): Message[] =>
  client.received('voice.event').map(({ params }) => params);
