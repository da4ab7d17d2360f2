import type { ContentBlock, InitializeResponse } from '@agentclientprotocol/sdk';
import type { AgentChatParams } from '../../client/node.ts';
import { isObject } from '../../protocol/json.ts';

/** The agent cannot do what the turn asks for; the message says what. */
export class CannotDo extends Error {
  override readonly name = 'CannotDo';
}

/** Longest that is handed over of a conversation's past. Characters; the oldest goes first. */
const MAX_HISTORY = 1024 * 1024;

/**
 * A turn's prompt as blocks for `session/prompt`.
 * @param isNew the agent knows nothing of the session: what was said before, and what a front was told, goes first.
 * @throws {CannotDo} a picture, for an agent that takes none.
 */
export function promptOf(params: AgentChatParams, about: InitializeResponse, isNew: boolean): ContentBlock[] {
  const { promptCapabilities: can } = about.agentCapabilities ?? {};
  const past = isNew ? pastOf(params.context) : undefined;
  const blocks: ContentBlock[] = [];
  if (past !== undefined) {
    const resource = { uri: 'switchboard:history', mimeType: 'text/plain', text: past };
    blocks.push(can?.embeddedContext ? { type: 'resource', resource } : { type: 'text', text: past });
  }
  blocks.push({ type: 'text', text: params.prompt });
  for (const attachment of params.attachments ?? []) {
    if (attachment.type === 'image_url') {
      blocks.push({ type: 'resource_link', uri: attachment.url, name: nameOf(attachment.url) });
      continue;
    }
    if (!can?.image) throw new CannotDo('this agent takes no pictures');
    blocks.push({ type: 'image', data: attachment.data, mimeType: attachment.media_type });
  }
  return blocks;
}

/** What a front was told beside the prompt, in words; undefined where there is nothing. They are data: the agent reads them. */
function pastOf(context: Record<string, unknown>): string | undefined {
  const { instructions, history } = context;
  const parts: string[] = [];
  if (typeof instructions === 'string' && instructions !== '') parts.push(`Instructions:\n${instructions}`);
  const said = (Array.isArray(history) ? history : []).filter(isObject).map(({ role, content }) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    return `${String(role)}: ${text}`;
  });
  if (said.length > 0) parts.push(`The conversation so far:\n${said.join('\n\n')}`);
  return parts.length === 0 ? undefined : parts.join('\n\n').slice(-MAX_HISTORY);
}

function nameOf(url: string): string {
  if (!URL.canParse(url)) return url.slice(0, 256);
  const { pathname, hostname } = new URL(url);
  return pathname.split('/').at(-1) || hostname;
}
