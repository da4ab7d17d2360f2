import { A2uiLitElement } from '@a2ui/lit/v0_9';
import { AudioPlayerApi, ImageApi, TextApi, VideoApi, type WebComponentImplementation } from '@a2ui/web_core/v0_9';

/* Components that the console draws in its own way, with nodes and never from HTML: its policy runs no inline style. */

const HEADING = /^h[1-5]$/;

/** Text as it is written: no Markdown, no HTML. */
class TextElement extends A2uiLitElement<typeof TextApi> {
  protected override readonly api = TextApi;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override render(): Node {
    const { text, variant = 'body', weight } = this.controller.props;
    this.style.flex = weight === undefined ? '' : String(weight);
    const element = document.createElement(HEADING.test(variant) ? variant : 'span');
    element.className = `a2ui-text ${variant}`;
    element.textContent = String(text ?? '');
    return element;
  }
}

/** An image where it is a `data:` one. The page loads nothing from anywhere else, and says what would be there. */
class ImageElement extends A2uiLitElement<typeof ImageApi> {
  protected override readonly api = ImageApi;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override render(): Node {
    const { url, description, variant = 'mediumFeature', fit = 'fill', weight } = this.controller.props;
    this.style.flex = weight === undefined ? '' : String(weight);
    const source = String(url ?? '');
    if (!/^data:image\//i.test(source)) return notLoaded('Image', source, description);
    const image = document.createElement('img');
    image.className = `a2ui-image ${variant}`;
    image.alt = String(description ?? '');
    image.style.objectFit = fit === 'scaleDown' ? 'scale-down' : fit;
    image.src = source;
    return image;
  }
}

class VideoElement extends A2uiLitElement<typeof VideoApi> {
  protected override readonly api = VideoApi;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override render(): Node {
    return notLoaded('Video', String(this.controller.props.url ?? ''));
  }
}

class AudioElement extends A2uiLitElement<typeof AudioPlayerApi> {
  protected override readonly api = AudioPlayerApi;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override render(): Node {
    const { url, description } = this.controller.props;
    return notLoaded('Audio', String(url ?? ''), description);
  }
}

/** What it is, and a link to it where it is on the web. */
function notLoaded(kind: string, url: string, description?: unknown): Node {
  const element = document.createElement('span');
  element.className = 'not-loaded';
  element.append(`${kind}: ${description ?? 'no description'} `);
  if (/^https?:\/\//i.test(url)) {
    const link = document.createElement('a');
    link.href = url;
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    link.textContent = 'open';
    element.append(link);
  }
  return element;
}

customElements.define('surface-text', TextElement);
customElements.define('surface-image', ImageElement);
customElements.define('surface-video', VideoElement);
customElements.define('surface-audio', AudioElement);

/** In place of the components of the same names. */
export const OWN_COMPONENTS: readonly WebComponentImplementation[] = [
  { ...TextApi, tagName: 'surface-text' },
  { ...ImageApi, tagName: 'surface-image' },
  { ...VideoApi, tagName: 'surface-video' },
  { ...AudioPlayerApi, tagName: 'surface-audio' },
];
