import { MAX_ISSUES } from '../../protocol/bounds.ts';
import type { Issue } from '../../protocol/errors.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { isResolvable, NOT_ALLOWED, segmentsOf } from './data-model.ts';
import { below } from './schemas.ts';

/** Binding paths of a component that no renderer resolves: it would throw, and leave the component out without a word. */
export function bindingIssues(component: JsonObject, at: string): Issue[] {
  const issues: Issue[] = [];
  const look = (value: unknown, place: string): void => {
    if (issues.length >= MAX_ISSUES) return;
    if (Array.isArray(value)) for (const [index, item] of value.entries()) look(item, below(place, String(index)));
    if (!isObject(value)) return;
    for (const [key, item] of Object.entries(value)) {
      const isPath = key === 'path' && typeof item === 'string';
      if (!isPath) look(item, below(place, key));
      else if (!isResolvable(segmentsOf(item))) issues.push({ path: below(place, key), message: NOT_ALLOWED });
    }
  };
  look(component, at);
  return issues;
}
