import type { AttachKind } from '../attached.ts';
import { ModelAgent } from './model-agent.ts';
import type { OpenaiSettings } from './settings.ts';

/** A model behind an OpenAI-compatible URL (`docs/agents.md`). */
export function openaiKind(settings: OpenaiSettings): AttachKind {
  return { name: 'openai', open: (context) => new ModelAgent(settings, context) };
}
