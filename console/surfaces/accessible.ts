import {
  ChoicePickerApi,
  DateTimeInputApi,
  ModalApi,
  SliderApi,
  TabsApi,
  TextFieldApi,
  type WebComponentImplementation,
} from '@a2ui/web_core/v0_9';
import {
  A2uiBasicTextFieldElement,
  A2uiChoicePickerElement,
  A2uiDateTimeInputElement,
  A2uiSliderElement,
} from '@a2ui/web_core/v0_9/basic_catalog';
import { ModalElement } from './modal.ts';
import { ownId } from './own-id.ts';
import { TabsElement } from './tabs.ts';

/*
 * Components of the basic catalog, drawn as they are, and told to a screen reader: which label is whose, what is a tab,
 * what a dialog. What they draw is their own; it is mended each time that they have.
 */

type Changed = Map<PropertyKey, unknown>;

/** Makes a label the name of its field; a press on the one goes to the other. */
function tie(label: HTMLLabelElement | null, field: Element | null | undefined): void {
  if (label && field) label.htmlFor = ownId(field);
}

class TextFieldElement extends A2uiBasicTextFieldElement {
  protected override updated(changed: Changed): void {
    super.updated(changed);
    tie(this.querySelector('label'), this.querySelector('input, textarea'));
  }
}

class SliderElement extends A2uiSliderElement {
  protected override updated(changed: Changed): void {
    super.updated(changed);
    const name = this.querySelector('.a2ui-slider-label')?.textContent ?? '';
    this.querySelector('input')?.setAttribute('aria-label', name);
  }
}

class DateTimeElement extends A2uiDateTimeInputElement {
  protected override updated(changed: Changed): void {
    super.updated(changed);
    const label = this.querySelector('label');
    const fields = this.querySelectorAll('input');
    tie(label, fields[0]);
    // With two of them, or no label, it takes more to tell which is which.
    if (label && fields.length < 2) return void fields[0]?.removeAttribute('aria-label');
    for (const field of fields) {
      const kind = field.type === 'time' ? 'Time' : 'Date';
      field.setAttribute('aria-label', label ? `${label.textContent}: ${kind.toLowerCase()}` : kind);
    }
  }
}

class ChoiceElement extends A2uiChoicePickerElement {
  protected override updated(changed: Changed): void {
    super.updated(changed);
    const options = this.querySelector('.a2ui-choice-picker');
    options?.setAttribute('role', 'group');
    options?.setAttribute('aria-label', this.querySelector(':scope > label')?.textContent ?? '');
  }
}

customElements.define('surface-textfield', TextFieldElement);
customElements.define('surface-slider', SliderElement);
customElements.define('surface-datetime', DateTimeElement);
customElements.define('surface-choice', ChoiceElement);
customElements.define('surface-tabs', TabsElement);
customElements.define('surface-modal', ModalElement);

/** In place of the components of the same names. */
export const ACCESSIBLE_COMPONENTS: readonly WebComponentImplementation[] = [
  { ...TextFieldApi, tagName: 'surface-textfield' },
  { ...SliderApi, tagName: 'surface-slider' },
  { ...DateTimeInputApi, tagName: 'surface-datetime' },
  { ...ChoicePickerApi, tagName: 'surface-choice' },
  { ...TabsApi, tagName: 'surface-tabs' },
  { ...ModalApi, tagName: 'surface-modal' },
];
