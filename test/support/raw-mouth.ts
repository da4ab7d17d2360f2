import type { Broker } from '../../broker.ts';
import { AudioFrameType, encodeAudioFrame } from '../../protocol/audio-frame.ts';
import { LinkedClient, settle } from './linked.ts';

/** A provider of speech, made by hand: it answers each text with these pieces, under these numbers. */
export async function rawMouth(broker: Broker, pieces: { seq: number; payload: Uint8Array }[]): Promise<void> {
  const { token } = broker.upsertAgent({ id: 'mouth', capabilities: ['voice.speak'], rotate_token: true });
  const mouth = new LinkedClient(broker.connect());
  await mouth.ok('session.auth', { agent_id: 'mouth', token });
  void (async () => {
    while (mouth.received('voice.speak.start').length === 0) {
      if (mouth.closed !== undefined) return;
      await settle();
    }
    const [request] = mouth.received('voice.speak.start');
    mouth.answer(request, { accepted: true });
    const streamId = request.params.stream_id;
    const frame = { streamId, format: 'wav' } as const;
    for (const { seq, payload } of pieces) {
      mouth.sendBinary(encodeAudioFrame({ ...frame, type: AudioFrameType.AudioOut, seq: BigInt(seq), payload }));
    }
    mouth.sendBinary(encodeAudioFrame({ ...frame, type: AudioFrameType.End, seq: 0n, payload: new Uint8Array() }));
  })();
}
