// A meeting: streams a microphone, or a WAV file, to a transcriber, prints what it hears, and keeps it.
//
//   arecord -q -t raw -f S16_LE -r 16000 -c 1 | node dist/examples/meeting.js       Ctrl-C ends it
//   node dist/examples/meeting.js talk.wav --summarizer my-agent
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { connectHost } from 'switchboard/client';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { summarizer: { type: 'string' } } });
const { sampleRate, pieces } = sound(positionals[0]);

const host = await connectHost();
const meeting = host.meetings.start({ sampleRate, title: 'Plans' });
// The Ctrl-C that ends the recorder ends the meeting, too, and not this program before that.
process.on('SIGINT', () => meeting.end());
send().catch((error) => console.error(error));

for await (const event of meeting) {
  if (event.type === 'final') console.log(event.text);
  if (event.type === 'error') console.error(event.message);
}
const { transcript, summary } = await host.meetings.stop(meeting.sessionId, values);
console.log(`\n${meeting.sessionId}: ${transcript.length} characters`);
if (summary !== null) console.log(`Summary: ${summary}`);
await host.close();

async function send(): Promise<void> {
  for await (const pcm of pieces) await meeting.write(pcm);
  meeting.end();
}

/** 16-bit samples of one channel: those of a WAV file, or raw ones from stdin. */
function sound(file: string | undefined): { sampleRate: number; pieces: AsyncIterable<Buffer> | Iterable<Buffer> } {
  if (file === undefined) return { sampleRate: 16_000, pieces: process.stdin };
  const wav = readFileSync(file);
  const [channels, bits] = [wav.readUInt16LE(22), wav.readUInt16LE(34)];
  if (channels !== 1 || bits !== 16) throw new Error(`${file}: ${channels} channels of ${bits} bits; it takes 1 of 16`);
  return { sampleRate: wav.readUInt32LE(24), pieces: [wav.subarray(wav.indexOf('data') + 8)] };
}
