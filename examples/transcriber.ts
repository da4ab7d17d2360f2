// A transcriber: turns speech into text with Debian's pocketsphinx and its English model.
//
//   apt-get install pocketsphinx pocketsphinx-en-us
//   npx switchboard agents add transcriber --capability voice.transcribe     prints the agent's token
//   SWITCHBOARD_AGENT_TOKEN=… node dist/examples/transcriber.js
//   npx switchboard transcribe FILE.wav
import { spawn, spawnSync } from 'node:child_process';
import { connectAgent, Resampler, type TranscribeJob, type TranscriptPart } from 'switchboard/client';
import { RATE, Segments, type Utterance } from './segments.ts';

const [agentId = 'transcriber', token = process.env.SWITCHBOARD_AGENT_TOKEN] = process.argv.slice(2);
// The programs that are started here have no use for it.
delete process.env.SWITCHBOARD_AGENT_TOKEN;
const PROGRAM = 'pocketsphinx_continuous';

if (spawnSync('which', [PROGRAM]).status !== 0) {
  console.error(`there is no ${PROGRAM}; on Debian: apt-get install pocketsphinx pocketsphinx-en-us`);
  process.exit(1);
}

/** What pocketsphinx hears in an utterance. It wants some silence around it. */
function recognise(pcm: Buffer, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const argv = ['-infile', '/dev/stdin', '-samprate', `${RATE}`, '-logfn', '/dev/null'];
    // Through a pipe of the shell's: what Node makes is a socket, which cannot be opened as /dev/stdin.
    const words = ['-c', `cat | exec ${PROGRAM} "$@"`, 'sh', ...argv];
    const child = spawn('sh', words, { signal, stdio: ['pipe', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(text.replaceAll(/\s+/g, ' ').trim());
      else reject(new Error(`${PROGRAM} ended with ${code}`));
    });
    // Who ends before reading its input breaks the pipe; its exit code says more.
    child.stdin.on('error', () => {});
    child.stdin.end(Buffer.concat([Buffer.alloc(RATE), pcm, Buffer.alloc(RATE)]));
  });
}

async function* transcribe({ audio, sampleRate, channels, signal }: TranscribeJob): AsyncGenerator<TranscriptPart> {
  const resampler = new Resampler(sampleRate, RATE, channels);
  const segments = new Segments();
  const final = async ({ pcm, startMs, endMs }: Utterance): Promise<TranscriptPart> => {
    return { type: 'final', text: await recognise(pcm, signal), start_ms: startMs, end_ms: endMs };
  };
  // Each guess begins anew: after one, two, four … seconds of an utterance, they cost no more than its final does.
  let nextGuess = RATE;
  for await (const piece of audio) {
    for (const utterance of segments.push(resampler.push(piece))) {
      yield await final(utterance);
      nextGuess = RATE;
    }
    if (segments.length < nextGuess) continue;
    nextGuess = segments.length * 2;
    const text = await recognise(segments.current, signal);
    if (text) yield { type: 'partial', text };
  }
  const last = segments.end();
  if (last) yield await final(last);
}

const agent = await connectAgent({
  url: process.env.SWITCHBOARD_URL ?? 'ws://127.0.0.1:9100',
  agentId,
  token,
  onChat: async () => 'I turn speech into text: npx switchboard transcribe FILE.wav',
  onTranscribe: transcribe,
  waitForBroker: true,
  onStatus: ({ status }) => console.log(`${agentId}: ${status}`),
  onVoiceError: (error) => console.error(error),
});
process.once('SIGINT', () => agent.close());
console.log(`ended: ${(await agent.closed).message}`);
