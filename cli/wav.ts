import { CliError, Exit } from './exit.ts';

/** A WAV file's sound. */
export interface Wav {
  sampleRate: number;
  channels: 1 | 2;
  /** 16-bit signed little-endian, channels interleaved. */
  pcm: Buffer;
  /** The file ends before the sound that its head promises. */
  isCut: boolean;
}

/** From here on a size means "to the end", as a program that streams writes it: nobody has two gigabytes of speech. */
const UNKNOWN_SIZE = 0x7f000000;

/** What a RIFF chunk's head takes: its name and its size. */
const HEAD = 8;
/** The format tags of PCM, and of PCM that says more about itself. */
const PCM = 1;
const EXTENSIBLE = 0xfffe;

/**
 * Reads a WAV file. Where its sizes are larger than the file, as a program that streams writes them, it ends with the file.
 * @param exit the status where it is not good.
 * @throws {CliError} where it is none, or of a format that cannot be sent.
 */
export function readWav(file: Buffer, name: string, exit: Exit = Exit.Usage): Wav {
  const isWav = file.toString('latin1', 0, 4) === 'RIFF' && file.toString('latin1', 8, 12) === 'WAVE';
  if (!isWav) throw new CliError(exit, `${name} is no WAV file`);
  let format: Buffer | undefined;
  for (let at = 12; at + HEAD <= file.length; ) {
    const id = file.toString('latin1', at, at + 4);
    const size = file.readUInt32LE(at + 4);
    const body = file.subarray(at + HEAD, Math.min(at + HEAD + size, file.length));
    if (id === 'fmt ' && body.length >= 16) format = body;
    if (id === 'data') {
      if (body.length === 0) break;
      return { ...toWav(format, body, name, exit), isCut: size > body.length && size < UNKNOWN_SIZE };
    }
    // A chunk begins at an even place.
    at += HEAD + size + (size % 2);
  }
  throw new CliError(exit, `${name} is a WAV file without sound`);
}

function toWav(format: Buffer | undefined, data: Buffer, name: string, exit: Exit): Omit<Wav, 'isCut'> {
  if (!format) throw new CliError(exit, `${name} is a WAV file that does not say its format`);
  const tag = format.readUInt16LE(0);
  const channels = format.readUInt16LE(2);
  const sampleRate = format.readUInt32LE(4);
  const bits = format.readUInt16LE(14);
  const isPcm = tag === PCM || (tag === EXTENSIBLE && format.length >= 26 && format.readUInt16LE(24) === PCM);
  if (!isPcm || bits !== 16 || channels < 1 || channels > 2 || sampleRate < 8_000 || sampleRate > 48_000) {
    const is = `${isPcm ? 'PCM' : `format ${tag}`}, ${bits} bits, ${channels} channels, ${sampleRate} Hz`;
    throw new CliError(exit, `${name} is ${is}; it takes PCM of 16 bits, 1 or 2 channels, 8000 to 48000 Hz`);
  }
  const frame = channels * 2;
  return { sampleRate, channels: channels === 2 ? 2 : 1, pcm: data.subarray(0, data.length - (data.length % frame)) };
}

/** Whole WAV bytes of what a provider has streamed: the sizes in its head are set right, so that every player takes it. */
export function mendWav(file: Buffer): Buffer {
  for (let at = 12; at + HEAD <= file.length; ) {
    const size = file.readUInt32LE(at + 4);
    if (file.toString('latin1', at, at + 4) !== 'data') {
      at += HEAD + size + (size % 2);
      continue;
    }
    const mended = Buffer.from(file);
    const rest = file.length - at - HEAD;
    if (size > rest) {
      mended.writeUInt32LE(rest, at + 4);
      mended.writeUInt32LE(file.length - HEAD, 4);
    }
    return mended;
  }
  return file;
}
