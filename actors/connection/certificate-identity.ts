import type { Identity } from '../../machines/connection.machine.ts';
import type { ClientCertificate } from '../../protocol/client-certificate.ts';
import { DEFAULT_TENANT, isReservedSubject, principal, principalOfAgent } from '../../protocol/principal.ts';

/**
 * Who a client is by its certificate, where it has no token (`docs/tls.md`). Where it says that it is an agent it is that
 * one, if the certificate is for it. Else it is called by the one URI among the certificate's alternative names, or by its
 * common name; a certificate that is for agents is for nobody else.
 *
 * Nobody becomes `local` by a certificate, or an agent that it is not for: what an authority may be talked into writing
 * must not lead to their things.
 */
export function identityOf(
  { commonName, uris, agentIds }: ClientCertificate,
  agentId: string | undefined,
): Identity | undefined {
  if (agentId !== undefined) {
    if (!agentIds.includes(agentId)) return undefined;
    return { role: 'agent', agentId, principal: principalOfAgent(DEFAULT_TENANT, agentId) };
  }
  if (agentIds.length > 0 || uris.length > 1) return undefined;
  const checked = principal.safeParse({ tenant: DEFAULT_TENANT, sub: uris[0] ?? commonName });
  if (!checked.success || isReservedSubject(checked.data.sub)) return undefined;
  const name = commonName === undefined ? {} : { name: commonName };
  return { role: 'client', principal: Object.freeze(checked.data), ...name };
}
