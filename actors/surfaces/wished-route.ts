import { WireError } from '../../protocol/errors.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { checkEndpoint } from './endpoint.ts';
import type { Route, Surface } from './surface.ts';

/**
 * Where an ingest wants the actions on its surfaces to go; undefined where it says nothing of that. What it leaves out
 * stays as it was, but for the credentials: they stay with their endpoint alone.
 * @throws {WireError} `-32602`
 */
export function wishedRoute(params: ParamsOf<'a2ui.ingest'>): ((before: Surface | undefined) => Route) | undefined {
  const { owner, routeAuth: auth, allowUntrustedEndpoint } = params;
  if (owner?.endpoint !== undefined && params.endpoint !== undefined && owner.endpoint !== params.endpoint) {
    throw WireError.invalidParams([{ path: 'endpoint', message: 'is another one than owner.endpoint' }]);
  }
  const wished = params.endpoint ?? owner?.endpoint;
  if (auth && wished === undefined) {
    throw WireError.invalidParams([{ path: 'routeAuth', message: 'needs the endpoint that it is for' }]);
  }
  if (!owner && wished === undefined) return undefined;
  const endpoint = wished === undefined ? undefined : checkEndpoint(wished, allowUntrustedEndpoint);
  return (before) => {
    const old = before?.route;
    const target = endpoint ?? old?.endpoint;
    return {
      endpoint: target,
      auth: auth ?? (target === old?.endpoint ? old?.auth : undefined),
      taskId: owner?.taskId ?? old?.taskId,
      contextId: owner?.contextId ?? old?.contextId,
    };
  };
}
