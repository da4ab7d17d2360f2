import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { mendWav, readWav } from './wav.ts';
import { type ConnectionFlags, connectionFlags, withHost } from './with-host.ts';

interface SayFlags extends ConnectionFlags {
  output: string;
  provider?: string;
  voice?: string;
}

/** `switchboard say TEXT -o FILE.wav`. */
export function addSay(program: Command, io: Io): void {
  connectionFlags(program.command('say'))
    .description('turn text into speech, saved as a WAV file')
    .argument('<text...>', 'what is said')
    .requiredOption('-o, --output <file>', 'the WAV file; one that is there is overwritten')
    .option('--provider <id>', 'the agent that does it (default: the daemon chooses)')
    .option('--voice <voice>', 'which voice; the agent knows what there are')
    .addHelpText('after', '\nIt needs an agent that can, such as examples/speaker.ts.')
    .action((words: string[], flags: SayFlags) => say(io, words.join(' '), flags));
}

async function say(io: Io, text: string, { output, provider, voice, ...connection }: SayFlags): Promise<void> {
  if (text.trim() === '') throw new CliError(Exit.Usage, 'there is nothing to say');
  const wav = await withHost(io, connection, async (host) => {
    const speech = host.speak(text, { provider, voiceId: voice });
    let isInterrupted = false;
    const offInterrupt = io.onInterrupt(() => {
      isInterrupted = true;
      void host.close();
    });
    try {
      const { format, audio } = await speech.audio();
      if (format !== 'wav') throw new CliError(Exit.Failed, `the provider speaks ${format}, and only wav can be saved`);
      return mendWav(Buffer.from(audio));
    } catch (error) {
      throw isInterrupted ? new CliError(Exit.Cancelled) : error;
    } finally {
      offInterrupt();
    }
  });
  const { pcm, sampleRate, channels } = readWav(wav, 'what the provider has sent', Exit.Failed);
  await writeFile(output, wav).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(Exit.Failed, `${output} cannot be written: ${error.code ?? error.message}`);
  });
  const seconds = pcm.length / 2 / channels / sampleRate;
  tell(io, `${output}: ${seconds.toFixed(1)} s, ${sampleRate} Hz`);
}
