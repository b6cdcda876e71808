import { describe, expect, it } from 'vitest';
import { shortcutOf, type KeyPress } from './shortcuts';

function press(key: string, more: Partial<KeyPress> = {}): KeyPress {
  return {
    key,
    shiftKey: false,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    defaultPrevented: false,
    target: { tagName: 'BODY' },
    ...more,
  };
}

describe('shortcutOf', () => {
  it('knows its keys', () => {
    expect(shortcutOf(press(' '))).toEqual({ do: 'toggle' });
    expect(shortcutOf(press('ArrowLeft'))).toEqual({ do: 'frames', by: -1 });
    expect(shortcutOf(press('ArrowRight', { shiftKey: true }))).toEqual({ do: 'seconds', by: 1 });
    expect(shortcutOf(press('?', { shiftKey: true }))).toEqual({ do: 'help' });
    expect(shortcutOf(press('K'))).toEqual({ do: 'pause' });
    expect(shortcutOf(press('x'))).toBeNull();
  });

  it('leaves the keys of the browser alone', () => {
    expect(shortcutOf(press('r', { ctrlKey: true }))).toBeNull();
    expect(shortcutOf(press('l', { metaKey: true }))).toBeNull();
    expect(shortcutOf(press('ArrowLeft', { altKey: true }))).toBeNull();
    expect(shortcutOf(press(' ', { defaultPrevented: true }))).toBeNull();
  });

  it('lets a focused button have its space bar, and nothing else', () => {
    const target = { tagName: 'BUTTON', closest: () => null };
    expect(shortcutOf(press(' ', { target }))).toBeNull();
    expect(shortcutOf(press('ArrowRight', { target }))).toEqual({ do: 'frames', by: 1 });
  });

  it('lets a text field have everything', () => {
    for (const key of [' ', 'k', 'ArrowLeft', '?']) {
      expect(shortcutOf(press(key, { target: { tagName: 'INPUT', type: 'text' } }))).toBeNull();
    }
  });

  it('lets the seek bar move by its own keys, and plays from it', () => {
    const target = { tagName: 'INPUT', type: 'range' };
    expect(shortcutOf(press('ArrowLeft', { target }))).toBeNull();
    expect(shortcutOf(press('Home', { target }))).toBeNull();
    expect(shortcutOf(press(' ', { target }))).toEqual({ do: 'toggle' });
  });

  it('lets open menus and dialogs have everything', () => {
    const target = { tagName: 'DIV', closest: (selector: string) => selector.includes('menu') };
    expect(shortcutOf(press('ArrowRight', { target }))).toBeNull();
  });
});
