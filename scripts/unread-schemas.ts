import { basename, dirname } from 'node:path';
import type { Plugin } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';

/** To build a schema takes longer than to read its source, and that of the protocol's half the time of a start. */

/**
 * Leaves out of a bundle what nothing in it reads of the schemas in `folder`: above all those of what the broker itself
 * writes, which the types and the documentation come from, and which check nothing.
 */
export function unreadSchemas(folder: string): Plugin {
  return {
    name: 'unread-schemas',
    transform(code, id) {
      if (dirname(id) !== folder) return null;
      const isTable = basename(id).startsWith('methods-');
      // Every line stays on its own.
      return { code: droppable(isTable ? withoutOutgoing(code) : code), map: null };
    },
  };
}

/** A method table without the schemas of results, and of what the broker sends. */
export function withoutOutgoing(code: string): string {
  return code
    .replaceAll(/^ {4}result: .+,$/gm, '')
    .replaceAll(/^( {4}direction: 'out',\n(?: {4,}.*\n)*?) {4}params: .+,$/gm, '$1');
}

/**
 * A module whose constants a bundler may leave out: it cannot know that what they are made by does nothing else. Said of a
 * single call it would be true of that one alone, and a schema is a chain of them.
 */
export function droppable(code: string): string {
  const pieces: string[] = [];
  let last = 0;
  for (const statement of parseAst(code, { lang: 'ts' }).body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type !== 'VariableDeclaration') continue;
    for (const { init } of declaration.declarations) {
      if (init?.type !== 'CallExpression') continue;
      pieces.push(code.slice(last, init.start), '/* @__PURE__ */ (() => ', code.slice(init.start, init.end), ')()');
      last = init.end;
    }
  }
  return pieces.join('') + code.slice(last);
}
