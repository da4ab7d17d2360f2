import { isObject } from '../../protocol/json.ts';
import { Sealed } from '../../protocol/sealed.ts';
import type { Answer } from '../requests/reply.ts';

/** What is a secret in an answer, which is nobody's to see but its receiver's. */
export function sealedAnswer(method: string, result: unknown): Answer {
  if (!isObject(result)) return { result };
  const { resume_token, ...rest } = result;
  if (resume_token !== undefined) return { result: rest, sealed: new Sealed({ resume_token }) };
  if (!MAKES_TOKEN.has(method) || result.token === undefined) return { result };
  const { token, ...told } = result;
  return { result: told, sealed: new Sealed({ token }) };
}

/** What is answered with somebody's token. */
const MAKES_TOKEN: ReadonlySet<string> = new Set(['agents.upsert', 'keys.add', 'keys.rotate']);
