import { type Signal, signal } from '@preact/signals';
import { h, options, type VNode } from 'preact';
import { expect, test } from 'vitest';
import { oneLine, preview } from '../../console/preview.ts';
import { showTexts } from '../../console/shown-texts.ts';

showTexts();

/** A text as the page makes a node of it. */
function drawn(text: string): unknown {
  const node = { type: null, props: text } as unknown as VNode;
  options.vnode?.(node);
  return node.props;
}

test('a text of the page › has what cannot be seen written out, but for what an answer may hold', () => {
  expect(drawn('a\u202eb\u200bc\u009b')).toBe('a\\u202eb\\u200bc\\u009b');
  expect(drawn('می\u200cخواهم ❤\ufe0f')).toBe('می\u200cخواهم ❤\ufe0f');
});

test('an attribute that is read › likewise; one that is not, and a value, as they are', () => {
  const { props } = h('input', {
    title: 'a\u202eb',
    'aria-label': 'c\u200bd',
    placeholder: 'e\u0085',
    value: 'f\u202eg',
  });
  expect(props).toEqual({ title: 'a\\u202eb', 'aria-label': 'c\\u200bd', placeholder: 'e\\u0085', value: 'f\u202eg' });
});

test('a signal as a text or an attribute › likewise, now and when it changes', () => {
  const text = signal('a\u202eb');
  const { props } = h('p', { title: text as unknown as string }, 'said: ', text) as unknown as {
    props: { title: Signal<string>; children: [string, Signal<string>] };
  };
  expect([props.title.value, props.children[1].value]).toEqual(['a\\u202eb', 'a\\u202eb']);
  text.value = 'c\u200bd';
  expect([props.title.value, props.children[1].value]).toEqual(['c\\u200bd', 'c\\u200bd']);
});

test('a value in full and on one line › whole, and JSON of the same value', () => {
  const value = { 'a\u202eb': ['\u200b\u007f', '\u{e0041}❤\ufe0f'] };
  for (const text of [preview(value), oneLine(value)]) {
    expect(JSON.parse(text)).toEqual(value);
    expect(text).toMatch(/^[\x20-\x7e❤\n]+$/u);
  }
});
