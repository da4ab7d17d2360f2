import { ErrorCode, WireError } from '../../protocol/errors.ts';
import { agentIdOf, agentKey, tenantOf } from '../../protocol/principal.ts';
import { LOCAL_PROVIDER } from '../../protocol/voice.ts';
import { VOICE_CAPABILITIES, type VoiceKind } from '../../protocol/voice-kinds.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { attachedFor, mayUse } from '../kernel/sight.ts';
import { FAR_VOICE } from './far-voice.ts';
import { LOCAL_VOICE } from './local-provider.ts';
import { AgentProvider, type VoiceProvider } from './provider.ts';

/** Who says that an agent is a provider: the registry comes first, for an agent may say of itself what it likes. */
const Word = { Registry: 0, Own: 1 } as const;
type Word = (typeof Word)[keyof typeof Word];

/**
 * The provider for a client that was named, else the embedder's own, else of the agents that the registry knows as providers the
 * first by its id, else of those that say so of themselves. Of agents only those that exist for this client.
 * @throws {WireError} `-32011` where there is none.
 */
export function chooseProvider(kernel: Kernel, from: Client, kind: VoiceKind, name: string | undefined): VoiceProvider {
  const local = kernel.peek(LOCAL_VOICE)?.offers(kind) ? kernel.peek(LOCAL_VOICE) : undefined;
  if (name === undefined) {
    const chosen = local ?? firstProvider(kernel, from, kind);
    if (!chosen) throw WireError.noVoiceProvider(VOICE_CAPABILITIES[kind]);
    return chosen;
  }
  // Never an agent of that name, which would be taken for it.
  if (name === LOCAL_PROVIDER) {
    if (local) return local;
    throw WireError.noVoiceProvider(VOICE_CAPABILITIES[kind], name);
  }
  const agent = agentProvider(kernel, attachedFor(kernel, from, name));
  if (!agent) {
    const isAway = mayUse(from, name) && kernel.isElsewhere(agentKey(from.tenant, name));
    if (!isAway) throw WireError.agentNotAttached(name);
    return farProvider(kernel, from, name);
  }
  if (wordOf(kernel, agent.agent, kind) === undefined) throw WireError.noVoiceProvider(VOICE_CAPABILITIES[kind], name);
  return agent;
}

/** @throws {WireError} `-32011` where the broker that it is attached to cannot be reached */
function farProvider(kernel: Kernel, from: Client, agentId: string): VoiceProvider {
  const provider = kernel.peek(FAR_VOICE)?.provider(agentKey(from.tenant, agentId), agentId);
  if (provider) return provider;
  throw new WireError(ErrorCode.AgentNotAttached, 'the broker where the provider is cannot be reached now; ask again', {
    reason: 'cluster',
    agent_id: agentId,
    retry_after_ms: 1_000,
  });
}

/** The first by its id of all that the registry knows, wherever each is attached; else of those here that say so of themselves. */
function firstProvider(kernel: Kernel, from: Client, kind: VoiceKind): VoiceProvider | undefined {
  const here = firstAgent(kernel, from, kind);
  const registered = here && wordOf(kernel, here, kind) === Word.Registry ? here.agentId : undefined;
  const far = firstElsewhere(kernel, from, kind);
  if (far !== undefined && (registered === undefined || far < registered)) return farProvider(kernel, from, far);
  return agentProvider(kernel, here);
}

/** Of the registered providers of that kind that are attached to other brokers the first by its id. */
function firstElsewhere(kernel: Kernel, from: Client, kind: VoiceKind): string | undefined {
  const agents = kernel.get(AGENTS);
  let first: string | undefined;
  for (const key of agents.keys()) {
    const id = agentIdOf(key);
    if ((first !== undefined && id >= first) || tenantOf(key) !== from.tenant || !kernel.isElsewhere(key)) continue;
    if (agents.capabilitiesOf(key).includes(VOICE_CAPABILITIES[kind]) && mayUse(from, id)) first = id;
  }
  return first;
}

/** Whether an agent that is attached here does that. */
export const isProvider = (kernel: Kernel, agent: Client, kind: VoiceKind): boolean =>
  wordOf(kernel, agent, kind) !== undefined;

/**
 * Who would take a stream of a client's of which kind, in the order in which one is chosen: those who transcribe, then those
 * who speak.
 */
export function voiceProviders(kernel: Kernel, from: Client): { id: string; kind: VoiceKind }[] {
  const local = kernel.peek(LOCAL_VOICE);
  const mine = [...kernel.attached.values()].filter((client) => isFor(from, client));
  return (Object.keys(VOICE_CAPABILITIES) as VoiceKind[]).flatMap((kind) => {
    const agents = mine.flatMap((client) => {
      const word = wordOf(kernel, client, kind);
      return word === undefined ? [] : [{ id: client.agentId ?? '', kind, word }];
    });
    agents.sort((a, b) => a.word - b.word || (a.id < b.id ? -1 : 1));
    return [...(local?.offers(kind) ? [{ id: LOCAL_PROVIDER, kind }] : []), ...agents];
  });
}

/** In one pass, for there may be ten thousand of them. */
function firstAgent(kernel: Kernel, from: Client, kind: VoiceKind): Client | undefined {
  let first: Client | undefined;
  let firstId = '';
  let best: Word = Word.Own;
  for (const client of kernel.attached.values()) {
    const { agentId: id = '' } = client;
    if (client.tenant !== from.tenant || (first && best === Word.Registry && id >= firstId)) continue;
    const word = wordOf(kernel, client, kind);
    if (word === undefined || (first && (word > best || (word === best && id >= firstId)))) continue;
    // Last of all: an embedder's function may have to be asked.
    if (!mayUse(from, id)) continue;
    first = client;
    firstId = id;
    best = word;
  }
  return first;
}

function agentProvider(kernel: Kernel, client: Client | undefined): AgentProvider | undefined {
  return client?.agentId === undefined ? undefined : new AgentProvider(kernel, client.agentId, client);
}

/** Whether an attached agent exists for a client. */
const isFor = (from: Client, { tenant, agentId = '' }: Client): boolean =>
  tenant === from.tenant && mayUse(from, agentId);

/** By whose word an agent is a provider of that kind, if it is one. One that is called like the embedder's is none. */
function wordOf(kernel: Kernel, { agentId, agentKey: key }: Client, kind: VoiceKind): Word | undefined {
  if (key === undefined || agentId === LOCAL_PROVIDER) return undefined;
  const capability = VOICE_CAPABILITIES[kind];
  if (kernel.get(AGENTS).capabilitiesOf(key).includes(capability)) return Word.Registry;
  return kernel.hooks.capabilitiesOf(key).includes(capability) ? Word.Own : undefined;
}
