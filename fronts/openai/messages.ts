import type { CallAnswer } from '../core/asked-calls.ts';
import { calledLine, contentOf, type HistoryMessage } from '../core/history.ts';
import type { Attachment } from '../core/images.ts';
import { resultOf } from '../core/tool-results.ts';

/** A call of a tool as a client repeats it, or as it was sent one. */
export interface MessageCall {
  id: string;
  name: string;
  /** JSON, as it is written. */
  arguments: string;
}

/** One message, whichever of the two APIs it came by. */
export interface Message {
  role: 'system' | 'user' | 'assistant' | 'tool';
  text: string;
  images: Attachment[];
  calls: MessageCall[];
  /** Of a tool's: the call that it answers. */
  callId?: string;
}

/** A conversation as a client tells it. */
export interface Told {
  messages: readonly Message[];
  /** Where its last message of a person stands. */
  last: number;
}

/** Where the last message of a person stands; -1: there is none. */
export function lastOfUser(messages: readonly Message[]): number {
  return messages.findLastIndex(({ role }) => role === 'user');
}

/** What system and developer messages say. */
export function instructionsOf(messages: readonly Message[]): string {
  return messages
    .filter(({ role }) => role === 'system')
    .map(({ text }) => text)
    .join('\n\n');
}

/** Everything that was said, but for the person's last message and the instructions. */
export function historyOf({ messages, last }: Told): HistoryMessage[] {
  return messages
    .filter(({ role }, at) => role !== 'system' && at !== last)
    .map(({ role, text, images, calls }) => {
      const pictures = images.map(() => '[image]');
      const called = calls.map(({ name, arguments: args }) => calledLine(name, args));
      return { role, content: contentOf(text, [...pictures, ...called]) };
    });
}

/** The messages of tools that a conversation ends with, before a given place. */
function toolsBefore(messages: readonly Message[], end: number): Message[] {
  let first = end;
  while (first > 0 && messages[first - 1]?.role === 'tool') first -= 1;
  return messages.slice(first, end);
}

/** What the messages of tools at the end answer, by the call's id. Empty: it is a person who spoke last. */
export function answersOf(messages: readonly Message[]): Map<string, CallAnswer> {
  const answers = toolsBefore(messages, messages.length);
  return new Map(answers.map(({ callId = '', text }) => [callId, { result: resultOf(text) }]));
}

/** The calls that were answered just before the person spoke: whoever does both does not go on with that turn. */
export function answeredBeforeLast({ messages, last }: Told): Set<string> {
  return new Set(toolsBefore(messages, last).map(({ callId = '' }) => callId));
}
