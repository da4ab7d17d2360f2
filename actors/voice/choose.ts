import { WireError } from '../../protocol/errors.ts';
import { LOCAL_PROVIDER, VOICE_CAPABILITIES, type VoiceKind } from '../../protocol/voice.ts';
import type { BrokerState } from '../broker-state.ts';
import { AgentProvider, type VoiceProvider } from './provider.ts';

/** Who would take a stream of this kind, in the order of preference: the embedder's own, then agents by their ids. */
export function providersFor(state: BrokerState, kind: VoiceKind): VoiceProvider[] {
  const local = state.localVoice?.offers(kind) ? [state.localVoice] : [];
  const ids = [...state.attached.keys()].filter((id) => isProvider(state, id, kind)).sort();
  return [...local, ...ids.flatMap((id) => agentProvider(state, id))];
}

/**
 * The provider that was named, else the first that there is.
 * @throws {WireError} `-32011` where there is none.
 */
export function chooseProvider(state: BrokerState, kind: VoiceKind, name: string | undefined): VoiceProvider {
  if (name === undefined) {
    const [first] = providersFor(state, kind);
    if (!first) throw WireError.noVoiceProvider(VOICE_CAPABILITIES[kind]);
    return first;
  }
  if (name === LOCAL_PROVIDER && state.localVoice?.offers(kind)) return state.localVoice;
  const [agent] = agentProvider(state, name);
  if (!agent) throw WireError.agentNotAttached(name);
  if (!isProvider(state, name, kind)) throw WireError.noVoiceProvider(VOICE_CAPABILITIES[kind]);
  return agent;
}

function agentProvider(state: BrokerState, id: string): AgentProvider[] {
  const client = state.attached.get(id);
  return client ? [new AgentProvider(state, id, client)] : [];
}

/** By what the registry says of it, or what it has registered of itself. */
function isProvider(state: BrokerState, id: string, kind: VoiceKind): boolean {
  const capability = VOICE_CAPABILITIES[kind];
  return (
    state.agents.capabilitiesOf(id).includes(capability) || state.hostAgents.ownCapabilitiesOf(id).includes(capability)
  );
}
