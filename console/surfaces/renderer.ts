import { A2uiSurface, basicCatalog } from '@a2ui/lit/v0_9';
import {
  type A2uiMessage,
  Catalog,
  createFunctionImplementation,
  MessageProcessor,
  OpenUrlApi,
  RegexApi,
  type WebComponentImplementation,
} from '@a2ui/web_core/v0_9';
import type { SurfaceAction } from '../../protocol/surfaces.ts';
import { ACCESSIBLE_COMPONENTS } from './accessible.ts';
import { dataChanges } from './data-changes.ts';
import { type Drawing, isSameSurface } from './drawing.ts';
import { OWN_COMPONENTS } from './elements.ts';
import { formatString } from './format-string.ts';
import { fits } from './pattern.ts';
import { shown, webAddress } from './shown.ts';
import { showParts } from './shown-parts.ts';
import { tooMuch } from './size.ts';
import css from './surface-parts.css?inline';

/** What a surface tells. */
export interface SurfaceHeard {
  /** A person has done something on it. */
  action(action: SurfaceAction): void;
  /** It wants an address to be opened; whether it is, is for the person to say. */
  open(url: string): void;
}

const VERSION = 'v0.9';
const ID = 'shown';
const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

type Processor = MessageProcessor<WebComponentImplementation>;

/** Draws one surface with `@a2ui/lit`, and again as it changes. Loaded when the first surface is looked at. */
export class SurfaceRenderer {
  readonly #element = new A2uiSurface();
  readonly #heard: SurfaceHeard;
  readonly #catalog: Catalog<WebComponentImplementation>;
  #processor: Processor | undefined;
  #drawn: Drawing | undefined;
  #stopShowing = () => {};

  constructor(into: HTMLElement, heard: SurfaceHeard) {
    this.#heard = heard;
    this.#catalog = catalogFor(heard, pressesOf(this.#element));
    into.append(this.#element);
    const root = this.#element.shadowRoot;
    if (!root) return;
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    this.#stopShowing = showParts(root);
  }

  /** Draws it. @throws {Error} that says why it cannot be drawn; then nothing is. */
  show(drawing: Drawing): void {
    try {
      if (drawing.catalogId !== this.#catalog.id) {
        throw new Error(
          `its components are of the catalog ${shown(drawing.catalogId)}, which the console does not know`,
        );
      }
      const problem = tooMuch(drawing);
      if (problem !== undefined) throw new Error(problem);
      if (this.#drawn && this.#processor && isSameSurface(this.#drawn, drawing)) {
        this.#change(this.#processor, this.#drawn, drawing);
      } else this.#begin(drawing);
      this.#drawn = drawing;
    } catch (error) {
      this.#clear();
      throw error;
    }
  }

  /** Takes it off the page. */
  dispose(): void {
    this.#clear();
    this.#stopShowing();
    this.#element.remove();
  }

  #begin(drawing: Drawing): void {
    this.#clear();
    const { catalogId, theme, dataModel } = drawing;
    const processor: Processor = new MessageProcessor([this.#catalog], (action) =>
      this.#heard.action(action as SurfaceAction),
    );
    this.#processor = processor;
    tell(processor, { createSurface: { surfaceId: ID, catalogId, ...(theme === undefined ? {} : { theme }) } });
    tell(processor, { updateDataModel: { surfaceId: ID, path: '/', value: structuredClone(dataModel) } });
    tell(processor, { updateComponents: { surfaceId: ID, components: drawing.components } });
    this.#element.surface = processor.model.getSurface(ID);
  }

  #change(processor: Processor, before: Drawing, after: Drawing): void {
    for (const { path, value } of dataChanges(before.dataModel, after.dataModel)) {
      tell(processor, { updateDataModel: { surfaceId: ID, path, value: structuredClone(value) } });
    }
    const old = new Map(before.components.map((component) => [component.id, JSON.stringify(component)]));
    const changed = after.components.filter((component) => old.get(component.id) !== JSON.stringify(component));
    if (changed.length > 0) tell(processor, { updateComponents: { surfaceId: ID, components: changed } });
    const left = new Set(after.components.map(({ id }) => id));
    const model = processor.model.getSurface(ID)?.componentsModel;
    for (const { id } of before.components) if (!left.has(id)) model?.removeComponent(String(id));
  }

  #clear(): void {
    this.#element.surface = undefined;
    this.#processor?.model.deleteSurface(ID);
    this.#processor = undefined;
    this.#drawn = undefined;
  }
}

function tell(processor: Processor, message: object): void {
  processor.processMessages([{ version: VERSION, ...message } as A2uiMessage]);
}

/** Whether a person has just pressed something on an element. */
function pressesOf(element: HTMLElement): () => boolean {
  let isPressed = false;
  const release = () => {
    isPressed = false;
  };
  element.addEventListener(
    'click',
    () => {
      isPressed = true;
      setTimeout(release);
    },
    { capture: true },
  );
  return () => isPressed;
}

/** The basic catalog, with what the console does in its own way. */
function catalogFor(heard: SurfaceHeard, isPressed: () => boolean): Catalog<WebComponentImplementation> {
  const openUrl = createFunctionImplementation(OpenUrlApi, ({ url }) => {
    const address = webAddress(String(url));
    // What a text is bound to is called as soon as it is drawn.
    if (address !== undefined && isPressed()) heard.open(address);
  });
  const regex = createFunctionImplementation(RegexApi, ({ pattern, value }) => fits(String(pattern), String(value)));
  const components = new Map(basicCatalog.components);
  for (const own of [...OWN_COMPONENTS, ...ACCESSIBLE_COMPONENTS]) components.set(own.name, own);
  const functions = new Map(basicCatalog.functions);
  for (const own of [openUrl, regex, formatString]) functions.set(own.name, own);
  return new Catalog(basicCatalog.id, [...components.values()], [...functions.values()]);
}
