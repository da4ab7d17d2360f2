import { effect } from '@preact/signals';
import type { Frame } from '../../client/browser.ts';
import { isObject } from '../../protocol/json.ts';
import { host } from '../session.ts';
import { hearFrames } from '../tap.ts';
import type { FrameLog } from './frame-log.ts';

const logs = new Set<FrameLog>();
effect(() => {
  if (host.value) return;
  for (const log of logs) log.forgetRequests();
});
let stop: (() => void) | undefined;

/** What belongs to no session and may come often and long: not worth reading. */
const FOREIGN = /^\{"jsonrpc":"2\.0","method":"(?:inspect|host)\.event"/;

/** Hands a log the frames of the page's connection, each read once for all logs. @returns what stops it. */
export function routeFrames(log: FrameLog): () => void {
  logs.add(log);
  stop ??= hearFrames(route);
  return () => {
    logs.delete(log);
    if (logs.size > 0) return;
    stop?.();
    stop = undefined;
  };
}

function route(frame: Frame): void {
  if (FOREIGN.test(frame.text)) return;
  let message: unknown;
  try {
    message = JSON.parse(frame.text);
  } catch {
    return;
  }
  if (!isObject(message)) return;
  const at = Date.now();
  for (const log of logs) log.offer({ ...frame, message }, at);
}
