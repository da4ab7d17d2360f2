import { inspectEventParams } from '../../../protocol/inspect.ts';
import type { LinkedClient, Message } from '../../support/linked.ts';

/** Every record that a watcher was sent, each checked against its schema. */
export function recordsOf(watcher: LinkedClient): Message[] {
  return watcher.received('inspect.event').flatMap((frame) => inspectEventParams.parse(frame.params).records);
}

/** The records of one actor. */
export function ofActor(watcher: LinkedClient, id: string): Message[] {
  return recordsOf(watcher).filter((record) => (record.type === 'started' ? record.actor.id : record.actor) === id);
}

/** Lets the feed tell what it has. */
export async function tick(linked: { advance(ms: number): Promise<void> }, ms = 60): Promise<void> {
  await linked.advance(ms);
}

/** The actor of a snapshot with this name, or on this machine. */
export function actorIn(snapshot: Message, name: string): Message {
  return snapshot.actors.find((actor: Message) => actor.name === name || actor.machine === name);
}
