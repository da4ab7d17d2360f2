import { newStreamId } from './ids.ts';
import { checkCall } from './known-options.ts';
import type { Lazy } from './lazy.ts';
import type { Peer } from './peer.ts';
import type { SpeakOptions, Speech, TranscribeOptions, Transcription } from './voice.ts';
import type { HostVoice } from './voice-parts.ts';

/*
 * Streams of voice are handed out at once, and their code comes when the first one is asked for: a page that only chats
 * does not load it. What is asked of a stream meanwhile goes on to it in the order of the calls.
 */

/** Has audio transcribed. @param meeting where it is a meeting's. @throws {TypeError} an option that there is not. */
export function laterTranscription(
  voice: Lazy<HostVoice>,
  peer: Peer,
  options: TranscribeOptions,
  meeting?: { title: string | undefined },
): Transcription {
  checkCall('transcribe', options);
  const sessionId = newStreamId();
  const run = voice.get().then((part) => part.transcribe(peer, sessionId, options, meeting));
  return {
    ...laterStream(run),
    sessionId,
    write: async (pcm) => (await run).write(pcm),
    // Where its code did not come, whoever reads it is told.
    end: () => void run.then((stream) => stream.end()).catch(() => {}),
    stop: async () => (await run).stop(),
    text: async () => (await run).text(),
  };
}

/** Has a text spoken. @throws {TypeError} an option that there is not. */
export function laterSpeech(voice: Lazy<HostVoice>, peer: Peer, text: string, options: SpeakOptions = {}): Speech {
  checkCall('speak', options);
  const streamId = newStreamId();
  const run = voice.get().then((part) => part.speak(peer, streamId, text, options));
  return {
    ...laterStream(run),
    streamId,
    cancel: async () => (await run).cancel(),
    audio: async () => (await run).audio(),
  };
}

/** What every stream has. */
function laterStream<T>(run: Promise<AsyncIterable<T> & { started: Promise<string> }>) {
  const started = run.then((stream) => stream.started);
  // Whoever reads it is told, too.
  started.catch(() => {});
  return {
    started,
    [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
      const reader = run.then((stream) => stream[Symbol.asyncIterator]());
      // Thrown by next(), if there is one.
      reader.catch(() => {});
      return {
        next: async () => (await reader).next(),
        return: async () => (await reader).return?.() ?? { value: undefined, done: true },
      };
    },
  };
}
