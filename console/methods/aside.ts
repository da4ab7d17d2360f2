import { signal } from '@preact/signals';
import { exactJson, type Host, RequestTimeoutError, RpcError } from '../../client/browser.ts';
import { nextFrame } from '../next-frame.ts';
import { issuesOf } from '../refusal.ts';
import { connectAside } from '../session.ts';
import { onSignOut } from '../sign-out.ts';
import { type HeardFrame, HeardFrames } from './frames.ts';

/** What came of a request. `took`: milliseconds. */
export type Outcome = { took: number } & (
  | { kind: 'result'; result: unknown }
  | { kind: 'error'; code: number; message: string; data: unknown; issues: ReturnType<typeof issuesOf> }
  | { kind: 'failed'; message: string }
);

/** Whether the form's connection is there. */
export const isOpen = signal(false);
/** What came to it beside the answers. */
export const heard = signal<readonly HeardFrame[]>([]);

let opening: Promise<Host> | undefined;
let frames = new HeardFrames();

onSignOut(closeAside);

/**
 * Sends a request by a connection of the form's own, which is opened by the first: what it subscribes to, registers or
 * opens is none of the other pages' business, and goes with it. Never rejects.
 */
export async function send(method: string, params: object): Promise<Outcome> {
  const began = performance.now();
  const took = () => Math.round(performance.now() - began);
  try {
    const connection = await open();
    const result: unknown = await (connection.request as AnyRequest)(method, params);
    return { kind: 'result', result, took: took() };
  } catch (error) {
    if (error instanceof RpcError) {
      const { code, message, data } = error;
      return { kind: 'error', code, message, data, issues: issuesOf(error), took: took() };
    }
    const message = error instanceof RequestTimeoutError ? 'it was not answered in time' : String(error);
    return { kind: 'failed', message, took: took() };
  }
}

/** The table's types do not know which of its methods this is. */
type AnyRequest = (method: string, params: object) => Promise<unknown>;

/** Ends the form's connection, and with it whatever waits for an answer on it. */
export function closeAside(): void {
  const closing = opening;
  opening = undefined;
  frames = new HeardFrames();
  heard.value = [];
  isOpen.value = false;
  closing?.then(
    (connection) => connection.close(),
    () => {},
  );
}

function open(): Promise<Host> {
  if (opening) return opening;
  const mine: Promise<Host> = connectAside({
    json: exactJson,
    onFrame: (frame) => {
      if (opening !== mine || !frames.hear(frame, Date.now())) return;
      nextFrame(() => {
        heard.value = frames.frames;
      });
    },
  });
  opening = mine;
  const forget = () => {
    if (opening !== mine) return;
    opening = undefined;
    isOpen.value = false;
  };
  mine.then((connection) => {
    if (opening === mine) isOpen.value = true;
    void connection.closed.then(forget);
  }, forget);
  return mine;
}
