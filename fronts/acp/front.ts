import type { Link } from '../../protocol/link.ts';
import { listAgents } from '../core/agents.ts';
import type { FrontCore } from '../core/core.ts';
import { FrontError } from '../core/errors.ts';
import { ownerOf, type Who } from '../core/exchange.ts';
import type { FrontServer } from '../core/front.ts';
import { acpAgent } from './agent.ts';
import type { AcpDoor } from './door.ts';
import { AcpHttp } from './http.ts';
import { linkStream } from './link-stream.ts';

const AGENT = /^\/([^/]+)$/;

/** The Agent Client Protocol by WebSocket and Streamable HTTP (`docs/fronts.md#acp`). */
export function acpFront(core: FrontCore): FrontServer {
  const { version, limits } = core;
  const http = new AcpHttp(core);
  const doorTo = (agentId: string, who: Who): AcpDoor => ({
    agentId,
    limits,
    find: async () => (await listAgents(core.connect({ who }))).find(({ spec }) => spec.id === agentId),
    openTurn: (spec, signal) => core.openTurn({ who, owner: ownerOf(who), signal }, { ...spec, agentId }),
  });
  /** @throws {FrontError} 404 where there is no such agent for whoever asks */
  const reachableDoor = async (agentId: string, who: Who): Promise<AcpDoor> => {
    const door = doorTo(agentId, who);
    if (await door.find()) return door;
    throw new FrontError(404, 'agent_not_found', `there is no agent ${agentId}`);
  };
  const answer: FrontServer['routes'][number]['answer'] = async (exchange, agentId = '') => {
    await http.answer(exchange, agentId, async (onClosed) =>
      acpAgent(await reachableDoor(agentId, exchange.who), { version, onClosed }),
    );
  };
  return {
    routes: (['POST', 'GET', 'DELETE'] as const).map((method) => ({ method, path: AGENT, answer })),
    socket: {
      path: AGENT,
      async open(who, agentId = '') {
        const door = await reachableDoor(agentId, who);
        return (link: Link) => void acpAgent(door, { version }).connect(linkStream(link, limits));
      },
    },
    errorBody: ({ status, code, message }) => ({
      jsonrpc: '2.0',
      id: null,
      error: { code: status >= 500 ? -32603 : -32600, message, ...(code === null ? {} : { data: { code } }) },
    }),
    exposed: ['acp-connection-id', 'acp-session-id', 'retry-after'],
  };
}
