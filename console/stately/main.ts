import { h, render } from 'preact';
import { startSession } from '../session.ts';
import { showTexts } from '../shown-texts.ts';
import { StatelyPage } from './stately-page.tsx';
import '../styles/outside.css';
import './stately.css';

const root = document.getElementById('app');
// The daemon writes it into the page (`--inspector-url`).
const inspector = document.querySelector<HTMLMetaElement>('meta[name="inspector-url"]')?.content;
if (root && inspector !== undefined) {
  showTexts();
  startSession();
  render(h(StatelyPage, { url: inspector }), root);
}
