import type { ApprovalRow } from '../../client/browser.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { visible, visibleLine } from '../../protocol/visible.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { deadlineOf } from '../format.ts';

/** What an approval is about, as people read it. */
export interface Subject {
  /** What is asked for. */
  title: string;
  /** Who asks, and how. */
  raiser: string;
  /** What it would be done with, as JSON; empty where nothing is told. */
  preview: string;
  /** The same as a value, to be drawn in parts. Nothing in it is written out yet. */
  told: unknown;
  /** What else the broker has written of it, ids above all; empty where there is nothing. */
  rest: string;
  /** What is not there to be read, in a sentence. */
  missing: string | undefined;
  /** How much of both is left out. Characters. */
  leftOut: number;
  /** The turn that waits for it. */
  turnId: string | undefined;
  /** When nobody's answer counts as none. Unix milliseconds. */
  expiresAt: number | undefined;
  /** An agent's own deadline that is no time: `after lunch`. */
  until: string | undefined;
}

/** More than this is not drawn unless somebody asks. Characters. */
export const MAX_PREVIEW = 20_000;
const GATED = 'ws.method:';
const CUT = 'Where a text ends in “…” the daemon shows only its beginning: 200 characters of each, and 2 KiB of all.';
const NOT_KEPT = 'What it would be done with was too large for the daemon to keep, and cannot be shown.';

/** What an agent tells of what it wants to do, whole. @param title what stands above it. */
export function detailsOf(details: object, tool: unknown, title: string): string {
  const told = alone(withTool(details, tool, title));
  return told === undefined ? '' : JSON.stringify(told, undefined, 2);
}

/** When nobody's answer counts as none: the gate's time, or an agent's own. Unix milliseconds. */
export function expiryOf({ origin, expires_at, details }: ApprovalRow): number | undefined {
  if (expires_at !== undefined) return Date.parse(expires_at);
  return origin === 'chat' ? deadlineOf(details.deadline) : undefined;
}

/**
 * Reads a row of whichever origin. What a gate or a chat has written is sorted; of what a client has asked for, the
 * details are its own words, whatever they are called, and stand there as they came.
 * @param most characters of each part that are read out.
 */
export function subjectOf(row: ApprovalRow, most = MAX_PREVIEW): Subject {
  const { agent_id: agentId, details } = row;
  const who = agentId === null ? 'a host' : `agent ${agentId}`;
  const { title, how = '', told, preview, rest, deadline, missing } = readers[row.origin](row);
  const others = Object.keys(rest).length === 0 ? '' : JSON.stringify(rest, undefined, 2);
  const isBrokers = row.origin !== 'request';
  const expiresAt = expiryOf(row);
  return {
    title: visibleLine(title),
    raiser: `${visibleLine(who)}${how}`,
    preview: visible(preview.slice(0, most)),
    told,
    missing,
    rest: visible(others.slice(0, most)),
    leftOut: Math.max(0, preview.length - most) + Math.max(0, others.length - most),
    turnId: isBrokers ? text(details.turn_id) : undefined,
    expiresAt,
    until: deadline === undefined || expiresAt !== undefined ? undefined : visibleLine(String(deadline).slice(0, 100)),
  };
}

/** The same of what the broker holds back at the gate, as its turn's host hears of it. */
export function gateSubject(action: string, details: ApprovalRow['details']): Pick<Subject, 'title' | 'preview'> {
  const { title, preview } = readers.gate({ action, details });
  return { title: visibleLine(title), preview: visible(preview) };
}

/** What an approval's origin makes of its row. Together `title`, `preview` and `rest` hold all of it. */
interface Reading {
  title: string;
  how?: string;
  told: unknown;
  preview: string;
  rest: object;
  deadline?: unknown;
  missing?: string;
}

const readers: Record<ApprovalRow['origin'], (row: Pick<ApprovalRow, 'action' | 'details'>) => Reading> = {
  gate({ action, details: { params_preview, ...rest } }) {
    const tool = rest.tool === undefined ? '' : `: ${String(rest.tool)}`;
    const told = params_preview === undefined ? undefined : parsed(params_preview);
    return {
      title: `${action.startsWith(GATED) ? action.slice(GATED.length) : action}${tool}`,
      how: ', whose request is held back',
      told,
      preview: told === undefined ? '' : typeof told === 'string' ? told : (writeJson(told, 2) ?? ''),
      rest,
      ...(isCut({ params_preview }) ? { missing: CUT } : {}),
    };
  },
  chat({ action, details: { tool, params, details, ...rest } }) {
    const given = { ...(params === undefined ? {} : { params }), ...(details === undefined ? {} : { details }) };
    const told = alone(withTool(given, tool, action));
    return {
      title: action,
      how: ', in a chat',
      told,
      preview: told === undefined ? '' : JSON.stringify(told, undefined, 2),
      rest,
      deadline: rest.deadline,
      ...(rest.truncated === true ? { missing: NOT_KEPT } : {}),
    };
  },
  request: ({ action, details }) => ({
    title: action,
    told: Object.keys(details).length === 0 ? undefined : details,
    preview: Object.keys(details).length === 0 ? '' : JSON.stringify(details, undefined, 2),
    rest: {},
  }),
};

const text = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** The tool's name is often the title already. */
function withTool(rest: object, tool: unknown, action: string): object {
  return tool === undefined || tool === action ? rest : { tool, ...rest };
}

/** Of parameters alone, those; else everything by its name. Undefined where there is nothing. */
function alone(details: object): unknown {
  const entries = Object.entries(details);
  const [only] = entries;
  if (only === undefined) return undefined;
  return entries.length === 1 && (only[0] === 'params' || only[0] === 'details') ? only[1] : details;
}

/** Whether a gate's preview leaves something out: it then ends in an ellipsis, as each of its texts that was cut does. */
export function isCut({ params_preview }: { params_preview?: unknown }): boolean {
  return /…("|$)/.test(String(params_preview));
}

/** JSON as a value; it may have been cut off: then it is the text that it is. */
function parsed(preview: unknown): unknown {
  if (typeof preview !== 'string') return preview;
  try {
    return parseJson(preview);
  } catch {
    return preview;
  }
}
