import { describe, expect, it } from 'vitest';
import { PushToTalk } from './pushToTalk';

const press = (key: string, more: object = {}) => ({
  key,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  defaultPrevented: false,
  target: null as unknown,
  ...more,
});

function setUp(canTalk = true) {
  const said: string[] = [];
  const key = new PushToTalk({
    canTalk: () => canTalk,
    talk: () => said.push('talk'),
    hush: () => said.push('hush'),
  });
  return { key, said };
}

describe('PushToTalk', () => {
  it('talks as long as the key is held', () => {
    const { key, said } = setUp();
    key.down(press('v'));
    key.down(press('v', { repeat: true }));
    key.up(press('x'));
    expect(said).toEqual(['talk']);
    key.up(press('V'));
    key.up(press('v'));
    expect(said).toEqual(['talk', 'hush']);
  });

  it('hushes when the page loses the keyboard', () => {
    const { key, said } = setUp();
    key.down(press('v'));
    key.release();
    expect(said).toEqual(['talk', 'hush']);
  });

  it('is a letter while somebody writes, and nothing to who may not talk', () => {
    const { key, said } = setUp();
    const field = { closest: (selector: string) => selector.includes('textarea') };
    key.down(press('v', { target: field }));
    key.down(press('v', { ctrlKey: true }));
    setUp(false).key.down(press('v'));
    expect(said).toEqual([]);
  });
});
