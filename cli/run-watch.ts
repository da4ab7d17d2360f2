import type { Host, HostEvent, HostSnapshot } from '../client/node.ts';
import { isObject } from '../protocol/json.ts';
import { excerpt } from './excerpt.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { jsonText } from './with-host.ts';

/** What `switchboard watch` does, connected. */
export async function runWatch(io: Io, host: Host, json: boolean): Promise<void> {
  const output = new Output(io.stdout);
  const subscription = await host.subscribe();
  let interrupted = false;
  const offInterrupt = io.onInterrupt(() => {
    interrupted = true;
    subscription.close();
  });
  output.broken.addEventListener('abort', () => subscription.close());
  tell(io, summary(subscription.snapshot));
  try {
    for await (const event of subscription) {
      await output.write(`${json ? jsonText(event) : lineOf(event)}\n`);
    }
  } finally {
    offInterrupt();
  }
  if (interrupted) throw new CliError(Exit.Cancelled);
}

function summary({ identity, agents, approvals }: HostSnapshot): string {
  const pending = approvals.filter(({ status }) => status === 'pending').length;
  const asked = `${count(pending, 'approval')} waiting${pending > 0 ? ' (switchboard approvals)' : ''}`;
  return `watching switchboard ${identity.version}, pid ${identity.pid}: ${count(agents.length, 'agent')}, ${asked}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Not cut off: whoever wants less of it can do that with the tools of a terminal. */
function lineOf({ timestamp, kind, agent_id, message, payload }: HostEvent): string {
  const words = [
    oneLine(timeOf(timestamp)),
    oneLine(kind).padEnd(KIND_WIDTH),
    oneLine(agent_id ?? '-'),
    oneLine(message),
  ];
  if (kind === 'approval.requested' && isObject(payload)) words.push(`(switchboard approve ${excerpt(payload.id)})`);
  return words.join('  ');
}

const oneLine = (text: string) => excerpt(text, Number.POSITIVE_INFINITY);

/** The longest kind that the broker emits itself. */
const KIND_WIDTH = 'agent.status_changed'.length;

/** By the clock on the wall; a timestamp that is none stays as it is. */
function timeOf(timestamp: string): string {
  const date = new Date(timestamp);
  return Number.isNaN(date.getTime()) ? timestamp : date.toTimeString().slice(0, 8);
}
