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
  /** What it would be done with; empty where nothing is told. */
  preview: string;
  /** What else the broker has written of it, ids above all; empty where there is nothing. */
  rest: string;
  /** How much of both is left out. Characters. */
  leftOut: number;
  /** The turn that waits for it. */
  turnId: string | undefined;
  /** When nobody's answer counts as none. Unix milliseconds. */
  expiresAt: number | undefined;
}

/** More than this is not drawn unless somebody asks. Characters. */
const MAX_PREVIEW = 20_000;
const GATED = 'ws.method:';

/** What an agent tells of what it wants to do, whole. @param title what stands above it. */
export function detailsOf(details: object, tool: unknown, title: string): string {
  return show(withTool(details, tool, title));
}

/**
 * Reads a row of whichever origin. What a gate or a chat has written is sorted; of what a client has asked for, the
 * details are its own words, whatever they are called, and stand there as they came.
 * @param most characters of each part that are read out.
 */
export function subjectOf(row: ApprovalRow, most = MAX_PREVIEW): Subject {
  const { agent_id: agentId, details } = row;
  const who = agentId === null ? 'a host' : `agent ${agentId}`;
  const { title, how = '', preview, rest, deadline } = readers[row.origin](row);
  const others = Object.keys(rest).length === 0 ? '' : JSON.stringify(rest, undefined, 2);
  const isBrokers = row.origin !== 'request';
  return {
    title: visibleLine(title),
    raiser: `${visibleLine(who)}${how}`,
    preview: visible(preview.slice(0, most)),
    rest: visible(others.slice(0, most)),
    leftOut: Math.max(0, preview.length - most) + Math.max(0, others.length - most),
    turnId: isBrokers ? text(details.turn_id) : undefined,
    expiresAt: row.expires_at === undefined ? deadlineOf(deadline) : Date.parse(row.expires_at),
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
  preview: string;
  rest: object;
  deadline?: unknown;
}

const readers: Record<ApprovalRow['origin'], (row: Pick<ApprovalRow, 'action' | 'details'>) => Reading> = {
  gate({ action, details: { params_preview, ...rest } }) {
    const tool = rest.tool === undefined ? '' : `: ${String(rest.tool)}`;
    return {
      title: `${action.startsWith(GATED) ? action.slice(GATED.length) : action}${tool}`,
      how: ', whose request is held back',
      preview: params_preview === undefined ? '' : pretty(params_preview),
      rest,
    };
  },
  chat({ action, details: { tool, params, details, ...rest } }) {
    const told = { ...(params === undefined ? {} : { params }), ...(details === undefined ? {} : { details }) };
    return {
      title: action,
      how: ', in a chat',
      preview: detailsOf(told, tool, action),
      rest,
      deadline: rest.deadline,
    };
  },
  request: ({ action, details }) => ({
    title: action,
    preview: Object.keys(details).length === 0 ? '' : JSON.stringify(details, undefined, 2),
    rest: {},
  }),
};

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
    return writeJson(parseJson(preview), 2);
  } catch {
    return preview;
  }
}
