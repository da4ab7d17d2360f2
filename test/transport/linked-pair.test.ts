import { expect, test } from 'vitest';
import { linkedPair } from '../../transport/linked-pair.ts';

/** Opens one end, and tells what it hears. */
function listen(link: ReturnType<typeof linkedPair>[0]) {
  const heard: string[] = [];
  link.open({
    text: (data) => heard.push(data),
    binary: () => heard.push('binary'),
    unread: () => heard.push('unread'),
    closed: (code) => heard.push(`closed ${code}`),
  });
  return heard;
}

test('an end that closes › then what comes until it is closed is not read, and afterwards it hears nothing', async () => {
  const [near, far] = linkedPair();
  const heard = listen(near);
  far.send('before');
  await Promise.resolve();
  far.send('unheard');
  near.close(4401, '');
  await Promise.resolve();
  // The other end has not been opened, and does not know yet.
  far.send('after');
  far.sendBinary(new Uint8Array(1));
  await new Promise(setImmediate);
  expect(heard).toEqual(['before', 'unread', 'closed 4401']);
});
