/** What a binary frame carries (`wire.md` section 11): its first byte. */
export const AudioFrameType = {
  /** Audio to be transcribed: from a client to the broker, and on to the provider. */
  AudioIn: 1,
  /** Speech: from a provider to the broker, and on to a client that asked for binary frames. */
  AudioOut: 2,
  /** No more audio comes. */
  End: 3,
  /** The stream failed; the payload says why, in UTF-8. */
  Error: 4,
} as const;

/** One of the numbers in {@link AudioFrameType}. */
export type AudioFrameType = (typeof AudioFrameType)[keyof typeof AudioFrameType];

/** How audio is encoded, in the order of the frame's format byte. `pcm`: 16-bit signed little-endian. */
export const AUDIO_FORMATS = ['pcm', 'mp3', 'wav'] as const;
/** See {@link AUDIO_FORMATS}. */
export type AudioFormat = (typeof AUDIO_FORMATS)[number];

/** One binary frame (`wire.md` section 11). */
export interface AudioFrame {
  type: AudioFrameType;
  /** The stream's UUID as 32 lower-case hexadecimal digits. */
  streamId: string;
  /** Unsigned, 64 bits. */
  seq: bigint;
  format: AudioFormat;
  payload: Uint8Array;
}

/** Type, UUID, `seq`, format. */
const HEADER_BYTES = 26;
const ID_AT = 1;
const SEQ_AT = 17;
const FORMAT_AT = 25;
const ID = /^[0-9a-f]{32}$/;

/** Whether a stream of this id can have binary frames. */
export function isAudioStreamId(id: string): boolean {
  return ID.test(id);
}

/** Reads one binary frame; undefined where it is none. The payload is a view of `data`, no copy. */
export function decodeAudioFrame(data: Uint8Array): AudioFrame | undefined {
  if (data.length < HEADER_BYTES) return undefined;
  const [type = 0] = data;
  const format = AUDIO_FORMATS[data[FORMAT_AT] ?? AUDIO_FORMATS.length];
  if (type < AudioFrameType.AudioIn || type > AudioFrameType.Error || format === undefined) return undefined;
  let streamId = '';
  for (let at = ID_AT; at < SEQ_AT; at += 1) streamId += HEX[data[at] ?? 0];
  const seq = new DataView(data.buffer, data.byteOffset).getBigUint64(SEQ_AT, true);
  return { type: type as AudioFrameType, streamId, seq, format, payload: data.subarray(HEADER_BYTES) };
}

/**
 * Writes one binary frame.
 * @throws {RangeError} where the id is none that a binary frame can have, or `seq` no 64-bit unsigned number.
 */
export function encodeAudioFrame({ type, streamId, seq, format, payload }: AudioFrame): Uint8Array {
  if (!isAudioStreamId(streamId)) throw new RangeError('the id of a binary frame is 32 lower-case hexadecimal digits');
  if (seq < 0n || seq > MAX_SEQ) throw new RangeError('seq is an unsigned 64-bit number');
  const data = new Uint8Array(HEADER_BYTES + payload.length);
  data[0] = type;
  for (let at = 0; at < 16; at += 1) data[ID_AT + at] = Number.parseInt(streamId.slice(at * 2, at * 2 + 2), 16);
  new DataView(data.buffer).setBigUint64(SEQ_AT, seq, true);
  data[FORMAT_AT] = AUDIO_FORMATS.indexOf(format);
  data.set(payload, HEADER_BYTES);
  return data;
}

const MAX_SEQ = 2n ** 64n - 1n;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
