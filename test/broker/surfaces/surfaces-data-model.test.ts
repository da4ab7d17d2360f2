import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonBytes } from '../../../actors/requests/payload-size.ts';
import { type DataModel, setAt } from '../../../actors/surfaces/data-model.ts';

/* A data model is never written whole to know how large it is, nor copied twice for one request. */

const modelOf = (root: unknown): DataModel => ({ root, bytes: jsonBytes(root) });

const path = fc
  .array(fc.constantFrom('a', 'b', 'ü', '~1', '0', '1', '3'), { maxLength: 4 })
  .map((segments) => segments.map((segment) => `/${segment}`).join(''));
const value = fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined, freq: 3 });
const steps = fc.array(fc.record({ path, value }), { maxLength: 30 });

/** The model after one step; what the path does not fit leaves it as it was. */
function step(model: DataModel, { path, value }: { path: string; value: unknown }, own: Set<unknown>): DataModel {
  try {
    return setAt(model, path, value, own);
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return model;
  }
}

describe('setAt', () => {
  test('whatever is put, removed and replaced › its size is that of its JSON, and what was there stays as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), steps, (root, list) => {
        let model = modelOf(root);
        for (const one of list) {
          const before = JSON.stringify(model.root);
          const next = step(model, one, new Set());
          expect(JSON.stringify(model.root)).toBe(before);
          expect(next.bytes).toBe(jsonBytes(next.root));
          model = next;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('many changes of one request › make what they make one by one, and leave the first as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), steps, (root, list) => {
        const before = JSON.stringify(root);
        // Where one fails a request fails whole: those that would are left out.
        let alone = modelOf(root);
        const good = list.filter((one) => {
          try {
            alone = setAt(alone, one.path, structuredClone(one.value), new Set());
            return true;
          } catch {
            return false;
          }
        });
        const own = new Set<unknown>();
        let together = modelOf(root);
        for (const one of good) together = setAt(together, one.path, structuredClone(one.value), own);
        expect(together.root).toEqual(alone.root);
        expect(together.bytes).toBe(alone.bytes);
        expect(JSON.stringify(root)).toBe(before);
      }),
      { numRuns: 1_000 },
    );
  });

  test('many changes of one request › copy what they change once', () => {
    const root = { list: [{ n: 0 }, { n: 0 }], beside: {} };
    const own = new Set<unknown>();
    const first = setAt(modelOf(root), '/list/0/n', 1, own).root as typeof root;
    const second = setAt(modelOf(first), '/list/1/n', 2, own).root as typeof root;
    expect(first).not.toBe(root);
    expect(second).toBe(first);
    expect(second.list).toBe(first.list);
    expect(second.beside).toBe(root.beside);
    expect(root.list).toEqual([{ n: 0 }, { n: 0 }]);
  });

  test('a value that nests too deep where it is put › is refused', () => {
    const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
    expect(() => setAt(modelOf({}), '/a', deep(199), new Set())).not.toThrow();
    expect(() => setAt(modelOf({}), '/a/b', deep(199), new Set())).toThrow(/nested deeper/);
  });
});
