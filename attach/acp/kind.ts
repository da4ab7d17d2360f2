import type { AttachKind } from '../attached.ts';
import { AcpAgent } from './acp-agent.ts';
import type { AcpSettings } from './settings.ts';

/** A program that speaks ACP on stdio (`docs/agents.md`). */
export function acpKind(settings: AcpSettings): AttachKind {
  return { name: 'acp', open: (context) => new AcpAgent(settings, context) };
}
