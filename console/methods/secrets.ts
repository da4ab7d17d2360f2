import { KEY_PREFIX } from '../../protocol/grants.ts';
import { isObject } from '../../protocol/json.ts';

/** What stands where a secret was. */
export const MASK = '••••••••';

/** Members that hold a secret, whatever their method: `token`, `resume_token`, `jwt`, `routeAuth` and the like. */
const SECRET = /(^|[_-])(token|jwt|secret|password|passwd|api[_-]?key|authorization|cookie)$|^route_?auth$/i;

/** Whether a member of that name holds a secret. */
export const isSecretName = (name: string): boolean => SECRET.test(name);

/** A value with its secrets masked, and how many these were. */
export function masked(value: unknown): { value: unknown; secrets: number } {
  let secrets = 0;
  const mask = (inner: unknown, name: string): unknown => {
    if (typeof inner === 'string' && inner !== '' && (isSecretName(name) || inner.startsWith(KEY_PREFIX))) {
      secrets += 1;
      return MASK;
    }
    if (Array.isArray(inner)) return inner.map((each) => mask(each, name));
    if (!isObject(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner).map(([member, each]) => [member, mask(each, isSecretName(name) ? name : member)]),
    );
  };
  return { value: mask(value, ''), secrets };
}
