import {
  computed,
  createFunctionImplementation,
  DataContext,
  ExpressionParser,
  FormatStringApi,
  getValue,
  isSignal,
} from '@a2ui/web_core/v0_9';
import { MAX_FORMATTED, mayBeRead } from './templates.ts';

/** Contexts in which the expressions of a template are resolved. */
const ofTemplates = new WeakSet<DataContext>();

/**
 * `formatString` with bounds: of its template, and of what comes of it. In a template it reads no other one: a text in
 * the data that is a template of itself would be read for ever.
 */
export const formatString = createFunctionImplementation(FormatStringApi, ({ value }, context, abort) => {
  const template = String(value);
  if (!mayBeRead(template) || ofTemplates.has(context)) return cut(template);
  const inner = new DataContext(context.surface, context.path);
  ofTemplates.add(inner);
  const parts = new ExpressionParser()
    .parse(template)
    .map((part) => (typeof part === 'object' && part !== null ? inner.resolveSignal(part) : part));
  abort?.addEventListener('abort', () => {
    for (const part of parts) if (isSignal(part)) (part as { unsubscribe?: () => void }).unsubscribe?.();
  });
  return computed(() => {
    let text = '';
    for (const part of parts) {
      text += written(isSignal(part) ? getValue(part) : part);
      if (text.length > MAX_FORMATTED) break;
    }
    return cut(text);
  });
});

function written(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function cut(text: string): string {
  return text.length > MAX_FORMATTED ? `${text.slice(0, MAX_FORMATTED)}…` : text;
}
