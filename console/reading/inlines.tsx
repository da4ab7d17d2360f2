import { shown, webAddress } from '../surfaces/shown.ts';
import { type Inline, textOf } from './nodes.ts';
import { Words } from './words.tsx';

/** The parts of a line. */
export function Inlines({ children }: { children: readonly Inline[] }) {
  return (
    <>
      {children.map((one, place) => (
        <OneInline key={place} inline={one} />
      ))}
    </>
  );
}

function OneInline({ inline }: { inline: Inline }) {
  if (typeof inline === 'string') return <Words text={inline} />;
  switch (inline.kind) {
    case 'emphasis':
      return (
        <em>
          <Inlines>{inline.children}</Inlines>
        </em>
      );
    case 'strong':
      return (
        <strong>
          <Inlines>{inline.children}</Inlines>
        </strong>
      );
    case 'deleted':
      return (
        <s>
          <Inlines>{inline.children}</Inlines>
        </s>
      );
    case 'code':
      return (
        <code>
          <Words text={inline.text} />
        </code>
      );
    case 'break':
      return <br />;
    case 'link':
      return <Link {...inline} text={textOf(inline.children)} />;
    case 'picture':
      return <Link {...inline} children={[inline.text === '' ? 'picture' : `picture: ${inline.text}`]} />;
  }
}

interface LinkProps {
  children: readonly Inline[];
  /** What is said of it. */
  text: string;
  address: string;
  title: string;
}

/** The text, and behind it the address: that is what is opened, whatever the text says. Nothing is loaded before. */
function Link({ children, text, address, title }: LinkProps) {
  const href = hrefOf(address);
  const link =
    href === undefined ? (
      <bdi>{shown(address)}</bdi>
    ) : (
      <a href={href} target="_blank" rel="noopener noreferrer">
        {shown(href)}
      </a>
    );
  if (title === '' && href !== undefined && [address, href, href.replace(/\/$|^mailto:/, '')].includes(text))
    return link;
  return (
    <>
      <Inlines>{children}</Inlines> ({link}
      {title === '' ? null : (
        <>
          {' '}
          <Words text={title} />
        </>
      )}
      )
    </>
  );
}

/** What may be opened: pages of the web, and letters. Undefined of anything else. */
function hrefOf(address: string): string | undefined {
  const web = webAddress(address);
  if (web !== undefined) return web;
  return URL.canParse(address) && new URL(address).protocol === 'mailto:' ? new URL(address).href : undefined;
}
