import type { ApprovalRow } from '../../client/browser.ts';
import { deadlineOf } from '../format.ts';
import { visible } from '../visible.ts';

/** What an approval is about, as people read it. */
export interface Subject {
  /** What is asked for. */
  title: string;
  /** Who asks, and how. */
  raiser: string;
  /** What it would be done with; empty where nothing is told. */
  preview: string;
  /** How much of it is left out. Characters. */
  leftOut: number;
  /** The turn that waits for it. */
  turnId: string | undefined;
  sessionId: string | undefined;
  /** When nobody's answer counts as none. Unix milliseconds. */
  expiresAt: number | undefined;
}

/** More than this is not drawn. Characters. */
const MAX_PREVIEW = 20_000;
const GATED = 'ws.method:';

/** What an agent tells of what it wants to do, whole. @param title what stands above it. */
export function detailsOf(details: object, tool: unknown, title: string): string {
  return show(withTool(details, tool, title));
}

/** Reads a row of whichever source: a chat's, a gate's, or one that somebody has raised by hand. */
export function subjectOf({ action, agent_id: agentId, details, expires_at }: ApprovalRow): Subject {
  const { source, session_id, turn_id, approval_id: _id, method, tool, params_preview, deadline, ...rest } = details;
  const isGated = action.startsWith(GATED) && method !== undefined;
  const name = isGated ? `${action.slice(GATED.length)}${typeof tool === 'string' ? `: ${tool}` : ''}` : action;
  const who = agentId === null ? 'a host' : `agent ${agentId}`;
  const preview =
    params_preview === undefined ? detailsOf(rest, isGated ? undefined : tool, action) : pretty(params_preview);
  return {
    title: visible(name),
    raiser: isGated ? `${who}, whose request is held back` : source === 'chat' ? `${who}, in a chat` : who,
    preview: visible(preview.slice(0, MAX_PREVIEW)),
    leftOut: Math.max(0, preview.length - MAX_PREVIEW),
    turnId: text(turn_id),
    sessionId: text(session_id),
    expiresAt: expires_at ?? deadlineOf(deadline),
  };
}

const text = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** The tool's name is often the title already. */
function withTool(rest: object, tool: unknown, action: string): object {
  return tool === undefined || tool === action ? rest : { tool, ...rest };
}

/** Of parameters alone, those; else everything by its name. */
function show(details: object): string {
  const entries = Object.entries(details);
  if (entries.length === 0) return '';
  const [only] = entries;
  const isOne = entries.length === 1 && (only?.[0] === 'params' || only?.[0] === 'details');
  return JSON.stringify(isOne ? only?.[1] : details, undefined, 2);
}

/** JSON as text, which may have been cut off: then it is shown as it is. */
function pretty(preview: unknown): string {
  if (typeof preview !== 'string') return JSON.stringify(preview, undefined, 2);
  try {
    return JSON.stringify(JSON.parse(preview), undefined, 2);
  } catch {
    return preview;
  }
}
