import type { AgentRow } from '../../client/node.ts';
import { listAgents } from '../core/agents.ts';
import type { FrontCore } from '../core/core.ts';
import type { Exchange } from '../core/exchange.ts';
import { noSuchModel } from './request.ts';

/** `GET /v1/models`: the agents that are attached, of those that exist for whoever asks. */
export async function listModels(core: FrontCore, exchange: Exchange): Promise<void> {
  const data = (await attached(core, exchange)).map(modelOf);
  exchange.json(200, { object: 'list', data });
}

/** `GET /v1/models/ID`. @throws {FrontError} 404 */
export async function getModel(core: FrontCore, exchange: Exchange, id: string): Promise<void> {
  const row = (await attached(core, exchange)).find(({ spec }) => spec.id === id);
  if (!row) throw noSuchModel(id);
  exchange.json(200, modelOf(row));
}

async function attached(core: FrontCore, exchange: Exchange): Promise<AgentRow[]> {
  return (await listAgents(core.connect(exchange))).filter((row) => row.attached);
}

/** When it was made nobody has noted; a number there has to be. */
const modelOf = ({ spec }: AgentRow) => ({ id: spec.id, object: 'model', created: 0, owned_by: 'switchboard' });
