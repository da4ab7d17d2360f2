import { WireError } from '../../protocol/errors.ts';
import { LOCAL_PROVIDER, VOICE_CAPABILITIES, type VoiceKind } from '../../protocol/voice.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { LOCAL_VOICE } from './local-provider.ts';
import { AgentProvider, type VoiceProvider } from './provider.ts';

type Capability = (typeof VOICE_CAPABILITIES)[VoiceKind];

/** Who says that an agent is a provider: the registry comes first, for an agent may say of itself what it likes. */
const Word = { Registry: 0, Own: 1 } as const;
type Word = (typeof Word)[keyof typeof Word];

/**
 * The provider that was named, else the embedder's own, else of the agents that the registry knows as providers the
 * first by its id, else of those that say so of themselves.
 * @throws {WireError} `-32011` where there is none.
 */
export function chooseProvider(kernel: Kernel, kind: VoiceKind, name: string | undefined): VoiceProvider {
  const local = kernel.peek(LOCAL_VOICE)?.offers(kind) ? kernel.peek(LOCAL_VOICE) : undefined;
  if (name === undefined) {
    const chosen = local ?? agentProvider(kernel, firstAgent(kernel, kind));
    if (!chosen) throw WireError.noVoiceProvider(VOICE_CAPABILITIES[kind]);
    return chosen;
  }
  // Never an agent of that name, which would be taken for it.
  if (name === LOCAL_PROVIDER) {
    if (local) return local;
    throw WireError.noVoiceProvider(VOICE_CAPABILITIES[kind], name);
  }
  const agent = agentProvider(kernel, name);
  if (!agent) throw WireError.agentNotAttached(name);
  if (wordOf(kernel, name, kind) === undefined) throw WireError.noVoiceProvider(VOICE_CAPABILITIES[kind], name);
  return agent;
}

/** Everybody who would take a stream, in the order in which one is chosen: of those who transcribe, then of the others. */
export function voiceProviders(kernel: Kernel): { provider: string; capabilities: Capability[] }[] {
  const kinds = Object.keys(VOICE_CAPABILITIES) as VoiceKind[];
  const local = { provider: LOCAL_PROVIDER, able: kinds.filter((kind) => kernel.peek(LOCAL_VOICE)?.offers(kind)) };
  const agents = [];
  for (const provider of kernel.attached.keys()) {
    const able = kinds.filter((kind) => wordOf(kernel, provider, kind) !== undefined);
    const [first] = able;
    if (first === undefined) continue;
    agents.push({
      provider,
      able,
      place: [kinds.indexOf(first), wordOf(kernel, provider, first) ?? Word.Own] as const,
    });
  }
  agents.sort((a, b) => a.place[0] - b.place[0] || a.place[1] - b.place[1] || (a.provider < b.provider ? -1 : 1));
  return [local, ...agents]
    .filter(({ able }) => able.length > 0)
    .map(({ provider, able }) => ({ provider, capabilities: able.map((kind) => VOICE_CAPABILITIES[kind]) }));
}

/** In one pass, for there may be ten thousand of them. */
function firstAgent(kernel: Kernel, kind: VoiceKind): string | undefined {
  let first: string | undefined;
  let best: Word = Word.Own;
  for (const id of kernel.attached.keys()) {
    if (first !== undefined && best === Word.Registry && id >= first) continue;
    const word = wordOf(kernel, id, kind);
    if (word === undefined || (first !== undefined && (word > best || (word === best && id >= first)))) continue;
    first = id;
    best = word;
  }
  return first;
}

function agentProvider(kernel: Kernel, id: string | undefined): AgentProvider | undefined {
  const client = id === undefined ? undefined : kernel.attached.get(id);
  return id !== undefined && client ? new AgentProvider(kernel, id, client) : undefined;
}

/** By whose word an agent is a provider of that kind, if it is one. One that is called like the embedder's is none. */
function wordOf(kernel: Kernel, id: string, kind: VoiceKind): Word | undefined {
  if (id === LOCAL_PROVIDER) return undefined;
  const capability = VOICE_CAPABILITIES[kind];
  if (kernel.get(AGENTS).capabilitiesOf(id).includes(capability)) return Word.Registry;
  return kernel.hooks.capabilitiesOf(id).includes(capability) ? Word.Own : undefined;
}
