import type { AgentCard } from '@a2a-js/sdk';
import type { AgentRow } from '../../client/node.ts';
import { listAgents } from '../core/agents.ts';
import type { FrontCore } from '../core/core.ts';
import { FrontError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { hashOf } from '../core/ids.ts';
import { isLegacy } from './version.ts';

type Metadata = AgentRow['spec']['metadata'];

/** What an agent takes beside text. */
const INPUT_MODES = ['text/plain', 'image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const OUTPUT_MODES = ['text/plain'];
/** How long a card may be taken for as it was: agents come and go, and are called otherwise. */
const CACHED = 'max-age=60';

/** For how long strangers are told of the agents as they were. Milliseconds. */
const LIST_KEPT_MS = 1_000;

/**
 * `GET /a2a/AGENT/.well-known/agent-card.json`, for everybody: in the form of 1.0 for those who say that they speak it, else in
 * that of 0.3, with where 1.0 is spoken.
 */
export class Cards {
  readonly #core: FrontCore;
  /** Whoever comes without a key costs no more than one list a second, however often they come. */
  #strangers: { rows: Promise<AgentRow[]>; at: number } | undefined;

  constructor(core: FrontCore) {
    this.#core = core;
  }

  /** @throws {FrontError} 404 */
  async answer(exchange: Exchange, agentId: string): Promise<void> {
    const row = (await this.#agents(exchange)).find(({ spec }) => spec.id === agentId);
    if (!row) throw new FrontError(404, 'agent_not_found', 'there is no such agent');
    const base = (this.#core.options.a2a?.publicUrl ?? exchange.origin).replace(/\/+$/, '');
    const url = `${base}/a2a/${encodeURIComponent(agentId)}`;
    const { AgentCard } = await import('@a2a-js/sdk');
    const card = cardOf(row, url, this.#core.version);
    const body = isLegacy(exchange) ? legacyCardOf(card, url) : AgentCard.toJSON(card);
    const etag = `"${hashOf(JSON.stringify(body))}"`;
    const headers = { etag, 'cache-control': CACHED, vary: 'Origin, Host, A2A-Version, Authorization' };
    if (exchange.request.headers['if-none-match'] === etag) exchange.response.writeHead(304, headers).end();
    else exchange.json(200, body, headers);
  }

  /** Whoever has a key sees the agents of their tenant, and no others; an agent is a stranger, as it is to all fronts. */
  async #agents(exchange: Exchange): Promise<AgentRow[]> {
    const known = exchange.header('authorization') === undefined ? undefined : await this.#core.identify(exchange);
    if (known && known.role !== 'agent') return listAgents(this.#core.connect({ who: known }));
    if (!this.#strangers || performance.now() - this.#strangers.at > LIST_KEPT_MS) {
      const rows = listAgents(this.#core.connect(exchange));
      const strangers = { rows, at: performance.now() };
      this.#strangers = strangers;
      rows.catch(() => {
        if (this.#strangers === strangers) this.#strangers = undefined;
      });
    }
    return this.#strangers.rows;
  }
}

function cardOf({ spec: { id, name, capabilities, metadata } }: AgentRow, url: string, version: string): AgentCard {
  const at = { url, protocolBinding: 'JSONRPC', tenant: '' };
  return {
    name: name || id,
    description: textIn(metadata, 'description') ?? `the agent ${name || id}`,
    supportedInterfaces: [
      { ...at, protocolVersion: '1.0' },
      { ...at, protocolVersion: '0.3' },
    ],
    provider: undefined,
    version: textIn(metadata, 'version') ?? version,
    capabilities: { streaming: true, pushNotifications: false, extensions: [], extendedAgentCard: false },
    securitySchemes: {
      bearer: {
        scheme: { $case: 'httpAuthSecurityScheme', value: { description: '', scheme: 'bearer', bearerFormat: '' } },
      },
    },
    securityRequirements: [{ schemes: { bearer: { list: [] } } }],
    defaultInputModes: INPUT_MODES,
    defaultOutputModes: OUTPUT_MODES,
    skills: (capabilities.length > 0 ? capabilities : ['chat']).map((skill) => ({
      id: skill,
      name: skill,
      description: skill,
      tags: [skill],
      examples: [],
      inputModes: [],
      outputModes: [],
      securityRequirements: [],
    })),
    signatures: [],
  };
}

/** The same as clients of 0.3 read it; those of 1.0 that have not said so find where to go, too. */
function legacyCardOf({ supportedInterfaces, skills, ...card }: AgentCard, url: string) {
  const { name, description, version, defaultInputModes, defaultOutputModes } = card;
  return {
    name,
    description,
    version,
    url,
    preferredTransport: 'JSONRPC',
    protocolVersion: '0.3.0',
    capabilities: { streaming: true, pushNotifications: false },
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    security: [{ bearer: [] }],
    defaultInputModes,
    defaultOutputModes,
    skills: skills.map(({ id, name, description, tags }) => ({ id, name, description, tags })),
    supportedInterfaces,
  };
}

function textIn(metadata: Metadata, name: string): string | undefined {
  const text = metadata[name];
  return typeof text === 'string' && text !== '' ? text : undefined;
}
