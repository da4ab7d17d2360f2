import { render } from 'preact';
import { App } from './app.tsx';
import { startFeed } from './feed.ts';
import { startSession } from './session.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';

const root = document.getElementById('app');
if (root) {
  startSession();
  startFeed();
  render(<App />, root);
}
