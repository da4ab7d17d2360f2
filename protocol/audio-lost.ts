/** The codes of the broker's own errors that say that audio was lost. After any other of its errors the stream is over. */
export const AUDIO_LOST: ReadonlySet<string> = new Set(['malformed_audio', 'audio_overflow']);
