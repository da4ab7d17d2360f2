import { AGENTS } from './actors/connection/agent-registry.ts';
import type { Kernel } from './actors/kernel/kernel.ts';
import { checkUpsertOptions, type UpsertAgentOptions } from './broker-options.ts';
import { type AgentSpec, upsertParams } from './protocol/agents.ts';
import type { InputOf } from './protocol/methods.ts';
import { parseParams } from './protocol/params.ts';
import { agentKey, DEFAULT_TENANT, tenantName } from './protocol/principal.ts';

/** `upsertAgent` of the embedding API. */
export function upsertAgent(
  kernel: Kernel,
  params: InputOf<'agents.upsert'>,
  options: UpsertAgentOptions,
): { spec: AgentSpec; token?: string } {
  checkUpsertOptions(options);
  const { tenant = DEFAULT_TENANT, ephemeral = false } = options;
  if (!tenantName.safeParse(tenant).success) throw new TypeError('tenant is 1–64 of [A-Za-z0-9._-]');
  const checked = parseParams(upsertParams, params);
  // One for this run only is this broker's own.
  if (!ephemeral) kernel.demandKeeper();
  kernel.audit.demand();
  const agents = kernel.get(AGENTS);
  const id = agentKey(tenant, checked.id);
  const isNew = !agents.has(id);
  const data = { created: isNew, rotated: !isNew && checked.rotate_token === true };
  const answer = kernel.audit.tried(tenant, 'agents.upsert', { on: checked.id, data }, () =>
    agents.upsert({ ...checked, id }, ephemeral),
  );
  const note = (outcome: string) => kernel.audit.registry(tenant, 'agents.upsert', outcome, checked.id, data);
  const kept = ephemeral ? undefined : agents.kept;
  if (!kept) note('ok');
  else
    void kept.then(
      () => note('ok'),
      (err: unknown) => {
        kernel.log.error({ err, tenant, agent: params.id }, 'an agent could not be kept');
        note('failed');
      },
    );
  return answer;
}
