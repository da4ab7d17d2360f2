import type { AttachKind } from '../attached.ts';
import { RemoteAgent } from './remote-agent.ts';
import type { A2aSettings } from './settings.ts';

/** An agent that speaks A2A, wherever it is (`docs/agents.md`). */
export function a2aKind(settings: A2aSettings): AttachKind {
  return { name: 'a2a', open: (context) => new RemoteAgent(settings, context) };
}
