import { ErrorCode, RpcError } from '../../client/browser.ts';
import { NO_CONNECTION, whyNot } from '../refusal.ts';
import { host } from '../session.ts';

/** What is wished of an agent. */
export interface AgentWish {
  id: string;
  /** What people call it. Default: as it was, else its id. */
  name?: string | undefined;
  capabilities?: string[] | undefined;
}

/** What came of it: its token where it has a new one, or why nothing did. */
export type Outcome = { token: string | undefined } | { problem: string };

/** What the form says of an agent. What is empty is left to the daemon. */
export function wishOf(form: FormData): AgentWish {
  const text = (name: string) => String(form.get(name) ?? '').trim();
  const capabilities = text('capabilities')
    .split(/[\s,]+/)
    .filter(Boolean);
  return { id: text('id'), name: text('name') || undefined, capabilities };
}

/** Makes an agent known or changes it (`agents.upsert`). Never rejects. @param rotates - it gets a new token, and the old one lets nobody in */
export async function upsert(wish: AgentWish, rotates = false): Promise<Outcome> {
  const connection = host.peek();
  if (!connection) return { problem: NO_CONNECTION };
  try {
    const { token } = await connection.agents.upsert({ ...wish, ...(rotates && { rotateToken: true }) });
    return { token };
  } catch (error) {
    const lost =
      'The connection was lost before the answer came. If it was done, its token was never shown: rotate it.';
    return { problem: whyNot(error, lost, LABELS) };
  }
}

/** Forgets an agent (`agents.remove`). Never rejects. @returns why it is not, if so */
export async function remove(id: string): Promise<string | undefined> {
  const connection = host.peek();
  if (!connection) return NO_CONNECTION;
  try {
    // That it was gone already is as good.
    await connection.agents.remove(id);
    return undefined;
  } catch (error) {
    if (error instanceof RpcError && error.code === ErrorCode.NotFound) return undefined;
    return whyNot(error, 'The connection was lost before the answer came. Look again.', LABELS);
  }
}

/** What the form calls what the wire calls so. */
const LABELS: Readonly<Record<string, string>> = { id: 'Id', name: 'Name', capabilities: 'Capabilities' };
