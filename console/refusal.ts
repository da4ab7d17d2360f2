import { ErrorCode, RequestTimeoutError, RpcError } from '../client/browser.ts';

/** What is said where there is nobody to ask. */
export const NO_CONNECTION = 'There is no connection to the daemon now. Try again in a moment.';

/**
 * Why the daemon did not do what it was asked, for whoever asked in a form.
 *
 * @param labels - what the form calls what the wire calls so, by the first part of its path
 */
export function explain(error: RpcError, labels: Readonly<Record<string, string>> = {}): string {
  const [first] = issuesOf(error);
  if (error.code === ErrorCode.InvalidParams && first)
    return `${labels[first.path.split('.')[0] ?? ''] ?? first.path}: ${first.message}.`;
  return `The daemon refused: ${error.message}.`;
}

/** One thing that is wrong with what was sent (`wire.md` section 2). */
export interface Issue {
  path: string;
  message: string;
}

/** Every thing that was wrong with the parameters, as far as the daemon has said so. */
export function issuesOf(error: RpcError): readonly Issue[] {
  const { issues } = Object(error.data) as { issues?: unknown };
  return Array.isArray(issues) ? (issues as Issue[]) : [];
}

/** Why something was not done, whatever it was that came in its way. @param lost - what is said where the connection was lost meanwhile */
export function whyNot(error: unknown, lost: string, labels?: Readonly<Record<string, string>>): string {
  if (error instanceof RpcError) return explain(error, labels);
  if (error instanceof RequestTimeoutError) return 'The daemon did not answer in time. Look again.';
  return lost;
}
