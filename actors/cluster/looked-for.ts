import { ErrorCode, type WireError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slot } from '../kernel/slots.ts';
import { type Call, DISPATCHER } from '../requests/dispatcher.ts';
import { TURNS } from '../turns/turns.ts';
import type { Cluster } from './cluster.ts';
import type { Found } from './routes.ts';

/** How many turns are looked for in a connection's place. */
const looking = slot(() => ({ count: 0 }));
const MAX_LOOKED = 1_000;
/**
 * A turn that nobody knows is looked for again after so long, and then after twice as long each time, up to the second; and for so
 * long: from when all brokers are there, and in all. Milliseconds.
 */
const LOOK_AGAIN_MS = 100;
const LOOK_AGAIN_MOST_MS = 800;
const LOOKED_MS = 1_000;
const MOST_LOOKED_MS = 25_000;
/** So often, meanwhile, it is looked for among those that have ended: at first, at last, and after so long again. Milliseconds. */
export const ENDED_AGAIN_MS = 5_000;

/** Whether that broker knows of nothing that was meant. */
export function isUnknown({ code, data }: WireError | JsonObject): boolean {
  return code === ErrorCode.NotFound || (code === ErrorCode.ApprovalNotPending && data === undefined);
}

/** Whether what a subscription means may have ended at a broker that is gone: then its log is here now. */
export async function findEnded(kernel: Kernel, from: Client, params: unknown): Promise<boolean> {
  const { ended } = kernel.get(TURNS);
  const { session_id: session, turn_id: turn } = params as { session_id: string; turn_id?: string };
  return ended !== undefined && from.isOpen && (await ended.finds.find(from, session, turn)) && from.isOpen;
}

/**
 * Who comes back to a turn may find that it is on its way from one broker to another, or that its broker is started again:
 * nobody knows it then, for a while. Or that it has ended, and its broker is gone. Of one connection's so many wait at a time; more
 * are answered at once.
 * @param findOwner - asks all brokers once
 */
export function lookFor(
  cluster: Cluster,
  call: Call<unknown>,
  method: string,
  findOwner: (settle: (found: Found) => void) => void,
  settle: (found: Found) => void,
): void {
  const { kernel, from } = call;
  const { clock, deadlines } = kernel;
  const looked = looking.of(from);
  const mayWait = looked.count < MAX_LOOKED;
  if (mayWait) looked.count += 1;
  const since = clock.now();
  // A broker that is there again has yet to be asked, and so has whoever its turns go to.
  let completeSince: number | undefined;
  let waitMs = LOOK_AGAIN_MS;
  let nextEnded = since;
  const end = (found: Found) => {
    if (mayWait) looked.count -= 1;
    settle(found);
  };
  const look = () => findOwner(judge);
  const judge = (found: Found): void => {
    const now = clock.now();
    completeSince = cluster.awaitsPeer() ? undefined : (completeSince ?? now);
    const isNothing = 'own' in found && 'error' in found.own && isUnknown(found.own.error);
    if (!isNothing || !mayWait || !from.isOpen) {
      end(found);
      return;
    }
    const mayCome = completeSince === undefined || (now - completeSince < LOOKED_MS && cluster.openPeers().length > 0);
    const isLast = !mayCome || now - since >= MOST_LOOKED_MS;
    const goOn = () => {
      if (isLast || !from.isOpen) {
        end(found);
        return;
      }
      deadlines.arm(waitMs, look);
      waitMs = Math.min(waitMs * 2, LOOK_AGAIN_MOST_MS);
    };
    if (!isLast && now < nextEnded) {
      goOn();
      return;
    }
    nextEnded = now + ENDED_AGAIN_MS;
    void findEnded(kernel, from, call.params).then((isHere) => {
      if (isHere) kernel.get(DISPATCHER).carryOutHere(call, method, (own) => end({ own }));
      else goOn();
    });
  };
  look();
}
