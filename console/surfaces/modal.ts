import { A2uiLitModal } from '@a2ui/web_core/v0_9/basic_catalog';
import { nextFrame } from '../next-frame.ts';

const FOCUSABLE = 'a[href], button, input, select, textarea, [tabindex="0"]';
const OVERLAY = '.a2ui-modal-overlay';

/**
 * The catalog's modal, as a dialog: the focus goes into it and stays there, Escape closes it, and the focus goes back.
 * While one is open the stage has room for it: it is drawn within the surface, and that may be small.
 */
export class ModalElement extends A2uiLitModal {
  #cameFrom: HTMLElement | undefined;
  #root: ShadowRoot | undefined;

  constructor() {
    super();
    this.addEventListener('keydown', (event) => this.#press(event));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#makeRoom();
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    super.updated(changed);
    const root = this.getRootNode();
    this.#root = root instanceof ShadowRoot ? root : undefined;
    // What is in the trigger draws itself after this.
    nextFrame(() => this.#makePressable());
    if (!changed.has('isOpen')) return;
    this.#makeRoom();
    if (this.isOpen) this.#enter();
    else this.#leave();
  }

  #trigger(): HTMLElement | null {
    return this.querySelector<HTMLElement>(':scope > .a2ui-modal-wrapper > .a2ui-modal-trigger');
  }

  #dialog(): HTMLElement | null {
    return this.querySelector<HTMLElement>(`:scope > .a2ui-modal-wrapper > ${OVERLAY} > [role=dialog]`);
  }

  #enter(): void {
    const dialog = this.#dialog();
    const focused = this.#root?.activeElement;
    this.#cameFrom = focused instanceof HTMLElement ? focused : undefined;
    dialog?.setAttribute('aria-label', this.#trigger()?.textContent?.trim() || 'Dialog');
    if (dialog) dialog.tabIndex = -1;
    dialog?.focus();
  }

  #leave(): void {
    this.#cameFrom?.focus();
    this.#cameFrom = undefined;
  }

  /** A trigger with nothing in it to press is a button itself. */
  #makePressable(): void {
    const trigger = this.#trigger();
    if (!trigger || trigger.querySelector(FOCUSABLE)) return;
    trigger.tabIndex = 0;
    trigger.setAttribute('role', 'button');
  }

  #makeRoom(): void {
    this.#root?.host.toggleAttribute('data-dialog', this.#root.querySelector(OVERLAY) !== null);
  }

  #press(event: KeyboardEvent): void {
    const trigger = this.#trigger();
    if (trigger && event.target === trigger && (event.key === 'Enter' || event.key === ' ')) {
      event.preventDefault();
      trigger.click();
      return;
    }
    const dialog = this.#dialog();
    if (!dialog?.contains(event.target as Node)) return;
    if (event.key !== 'Escape' && event.key !== 'Tab') return;
    // Of one in another the inner is meant.
    event.stopPropagation();
    if (event.key === 'Escape') {
      this.closeModal();
      return;
    }
    const stops = [...dialog.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((stop) => isStop(stop, dialog));
    const [first, last] = [stops[0], stops.at(-1)];
    const isAtEnd = event.shiftKey ? event.target === first || event.target === dialog : event.target === last;
    if (!isAtEnd) return;
    event.preventDefault();
    (event.shiftKey ? last : first)?.focus();
  }
}

/** Whether the Tab key stops there: of radio buttons that belong together, only at the chosen one. */
function isStop(element: HTMLElement, dialog: HTMLElement): boolean {
  if (element.tabIndex < 0 || element.matches(':disabled') || !element.checkVisibility()) return false;
  if (!(element instanceof HTMLInputElement) || element.type !== 'radio' || element.checked) return true;
  const group = [...dialog.querySelectorAll<HTMLInputElement>('input[type=radio]:checked')];
  return !group.some(({ name }) => name === element.name);
}
