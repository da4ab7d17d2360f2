import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../client/node.ts';
import { visible } from '../protocol/visible.ts';

/** What a command touches of the process around it, so that a test can stand in for the terminal. */
export interface Io {
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean };
  stderr: Writable & { isTTY?: boolean; columns?: number };
  env: Environment;
  /** Hears each Ctrl-C, in place of the process ending by it. Returns how to stop listening. */
  onInterrupt(listener: () => void): () => void;
  /** The same for SIGTERM. */
  onTerminate(listener: () => void): () => void;
}

/** The real thing. */
export function processIo(): Io {
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    onInterrupt: (listener) => onSignal('SIGINT', listener),
    onTerminate: (listener) => onSignal('SIGTERM', listener),
  };
}

function onSignal(signal: NodeJS.Signals, listener: () => void): () => void {
  process.on(signal, listener);
  return () => process.off(signal, listener);
}

/** A line of words for a person, on stderr so that stdout holds nothing but what was asked for. Nothing in it is unseen. */
export function tell(io: Io, words: string): void {
  io.stderr.write(`${visible(words)}\n`);
}
