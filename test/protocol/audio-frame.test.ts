import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AUDIO_FORMATS,
  AudioFrameType,
  decodeAudioFrame,
  encodeAudioFrame,
  isAudioStreamId,
} from '../../protocol/audio-frame.ts';

const hex = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const frame = fc.record({
  type: fc.constantFrom(...Object.values(AudioFrameType)),
  streamId: hex,
  seq: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  format: fc.constantFrom(...AUDIO_FORMATS),
  payload: fc.uint8Array({ maxLength: 300 }),
});

describe('a binary frame', () => {
  test('when it is written and read again › then nothing has changed, wherever its bytes lie', () => {
    fc.assert(
      fc.property(frame, fc.nat({ max: 9 }), (original, offset) => {
        const data = encodeAudioFrame(original);
        expect(decodeAudioFrame(data)).toEqual(original);
        const inside = new Uint8Array(data.length + offset + 3);
        inside.set(data, offset);
        expect(decodeAudioFrame(inside.subarray(offset, offset + data.length))).toEqual(original);
      }),
    );
  });

  test('when it is written › then each byte lies where the wire has it', () => {
    const data = encodeAudioFrame({
      type: AudioFrameType.AudioOut,
      streamId: '00112233445566778899aabbccddeeff',
      seq: 0x0102030405060708n,
      format: 'wav',
      payload: Uint8Array.from([7, 8]),
    });
    expect(Buffer.from(data).toString('hex')).toBe('0200112233445566778899aabbccddeeff0807060504030201020708');
  });

  test('when any bytes come › then they are a frame exactly if their header is one, and nothing throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(6), fc.nat(4), (data, type, format) => {
        if (data.length > 0) data[0] = type;
        if (data.length > 25) data[25] = format;
        const isFrame = data.length >= 26 && type >= 1 && type <= 4 && format <= 2;
        const decoded = decodeAudioFrame(data);
        expect(decoded !== undefined).toBe(isFrame);
        if (decoded) expect(encodeAudioFrame(decoded)).toEqual(data);
      }),
      { numRuns: 500 },
    );
  });

  test.each(['', '0'.repeat(31), '0'.repeat(33), 'A'.repeat(32), 'g'.repeat(32)])(
    'under the id %j › then it cannot be',
    (streamId) => {
      expect(isAudioStreamId(streamId)).toBe(false);
      expect(() => encodeAudioFrame({ type: 1, streamId, seq: 0n, format: 'pcm', payload: new Uint8Array() })).toThrow(
        RangeError,
      );
    },
  );

  test.each([-1n, 2n ** 64n])('with the seq %s › then it cannot be', (seq) => {
    const streamId = 'a'.repeat(32);
    expect(() => encodeAudioFrame({ type: 1, streamId, seq, format: 'pcm', payload: new Uint8Array() })).toThrow(
      RangeError,
    );
  });
});
