import { type Command, InvalidArgumentError } from 'commander';
import type { Io } from './io.ts';
import type { TranscribeFlags } from './run-transcription.ts';
import { connectionFlags } from './with-host.ts';

/** How long a provider that has all of the sound may say nothing unless told otherwise: as much as may be ahead of it. Seconds. */
const PATIENCE_S = 60;

/** `switchboard transcribe FILE.wav`. */
export function addTranscribe(program: Command, io: Io): void {
  connectionFlags(program.command('transcribe'))
    .description('turn the speech in a WAV file into text')
    .argument('<file>', 'a WAV file: PCM, 16 bits, 1 or 2 channels, 8000 to 48000 Hz')
    .option('--provider <id>', 'the agent that does it (default: the daemon chooses)')
    .option('--patience <seconds>', 'how long it may say nothing once it has all of the sound', toSeconds, PATIENCE_S)
    .option('--json', 'the events as they are, one a line')
    .addHelpText(
      'after',
      '\nIt needs an agent that can, such as examples/transcriber.ts. What it hears is printed, a line for each utterance.',
    )
    .action(async (file: string, flags: TranscribeFlags) => {
      const { runTranscription } = await import('./run-transcription.ts');
      await runTranscription(io, file, flags);
    });
}

function toSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= 3_600) return seconds;
  throw new InvalidArgumentError('It takes seconds, 0 to 3600.');
}
