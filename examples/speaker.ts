// A speaker: turns text into speech with espeak-ng.
//
//   apt-get install espeak-ng
//   npx switchboard agents add speaker --capability voice.speak     prints the agent's token
//   SWITCHBOARD_AGENT_TOKEN=… node dist/examples/speaker.js
//   npx switchboard say "good morning" -o morning.wav
import { spawn, spawnSync } from 'node:child_process';
import { connectAgent, type SpeakJob, type SpeechPart } from 'switchboard/client';

const [agentId = 'speaker', token = process.env.SWITCHBOARD_AGENT_TOKEN] = process.argv.slice(2);
// The programs that are started here have no use for it.
delete process.env.SWITCHBOARD_AGENT_TOKEN;
const PROGRAM = 'espeak-ng';

if (spawnSync('which', [PROGRAM]).status !== 0) {
  console.error(`there is no ${PROGRAM}; on Debian: apt-get install espeak-ng`);
  process.exit(1);
}

/** A voice of espeak-ng's, as `espeak-ng --voices` lists them, with a variant perhaps: `en-us+klatt`. */
const VOICE = /^[A-Za-z0-9-]+(\+[A-Za-z0-9_-]+)?$/;

async function* speak({ text, voiceId = 'en-us', signal }: SpeakJob): AsyncGenerator<SpeechPart> {
  if (!VOICE.test(voiceId)) throw new Error('a voice is named like en-us or en-us+klatt');
  // The text on its stdin: no length of it is too much, and none of it is taken for a flag.
  const child = spawn(PROGRAM, ['-v', voiceId, '--stdin', '--stdout'], { signal });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    complaint += chunk;
  });
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  // Awaited below; what aborts it before that is no fault of its own.
  ended.catch(() => {});
  child.stdin.on('error', () => {});
  child.stdin.end(text);
  for await (const audio of child.stdout) yield { format: 'wav', audio };
  if ((await ended) !== 0) throw new Error(complaint.trim() || `${PROGRAM} failed`);
}

const agent = await connectAgent({
  url: process.env.SWITCHBOARD_URL ?? 'ws://127.0.0.1:9100',
  agentId,
  token,
  onChat: async () => 'I turn text into speech: npx switchboard say "good morning" -o morning.wav',
  onSpeak: speak,
  waitForBroker: true,
  onStatus: ({ status }) => console.log(`${agentId}: ${status}`),
  onVoiceError: (error) => console.error(error),
});
process.once('SIGINT', () => agent.close());
console.log(`ended: ${(await agent.closed).message}`);
