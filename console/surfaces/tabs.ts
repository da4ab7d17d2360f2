import { A2uiLitTabs } from '@a2ui/web_core/v0_9/basic_catalog';
import { ownId } from './own-id.ts';

/** How far a key goes, of all tabs. */
const STEPS: Readonly<Record<string, (at: number, length: number) => number>> = {
  ArrowRight: (at, length) => (at + 1) % length,
  ArrowLeft: (at, length) => (at + length - 1) % length,
  Home: () => 0,
  End: (_at, length) => length - 1,
};

/** The catalog's tabs, as tabs: a list of them, of which one is chosen, and which the arrow keys go through. */
export class TabsElement extends A2uiLitTabs {
  constructor() {
    super();
    this.addEventListener('keydown', (event) => this.#move(event));
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    super.updated(changed);
    const panel = this.querySelector(':scope > .a2ui-tabs > .a2ui-tab-content');
    if (!panel) return;
    panel.setAttribute('role', 'tabpanel');
    this.querySelector('.a2ui-tab-bar')?.setAttribute('role', 'tablist');
    for (const tab of this.#tabs()) {
      const isChosen = tab.classList.contains('active');
      tab.setAttribute('role', 'tab');
      tab.setAttribute('aria-selected', String(isChosen));
      tab.setAttribute('aria-controls', ownId(panel));
      tab.tabIndex = isChosen ? 0 : -1;
      if (isChosen) panel.setAttribute('aria-labelledby', ownId(tab));
    }
  }

  #tabs(): HTMLElement[] {
    return [...this.querySelectorAll<HTMLElement>(':scope > .a2ui-tabs > .a2ui-tab-bar > button')];
  }

  #move(event: KeyboardEvent): void {
    const tabs = this.#tabs();
    const at = tabs.indexOf(event.target as HTMLElement);
    const step = STEPS[event.key];
    if (at < 0 || !step) return;
    event.preventDefault();
    const next = tabs[step(at, tabs.length)];
    next?.click();
    next?.focus();
  }
}
