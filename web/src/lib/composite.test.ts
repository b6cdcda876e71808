import { describe, expect, it } from 'vitest';
import {
  boxesOf,
  CANVAS,
  draftOf,
  layoutOf,
  MOST_CELLS,
  moved,
  PATTERNS,
  usable,
  withoutCell,
  withSource,
  type Draft,
  type Layout,
} from './composite';

const EMPTY: Draft = { pattern: 'grid', cells: [], sound: 'NONE' };
const of = (...sources: string[]) => sources.reduce(withSource, EMPTY);

describe('boxesOf', () => {
  it('is even, large enough, and on the canvas, however many there are', () => {
    for (const canvas of [
      CANVAS,
      { width: 1920, height: 1080, fps: 30 },
      { width: 640, height: 360, fps: 25 },
    ]) {
      for (const { value } of PATTERNS) {
        for (let count = 0; count <= MOST_CELLS; count += 1) {
          const boxes = boxesOf(value, count, canvas);
          expect(boxes).toHaveLength(count);
          for (const { x, y, width, height } of boxes) {
            const what = `${value} ${count}`;
            expect(
              [x, y, width, height].every((n) => n >= 0 && n % 2 === 0),
              what,
            ).toBe(true);
            expect(Math.min(width, height), what).toBeGreaterThanOrEqual(16);
            expect(x + width, what).toBeLessThanOrEqual(canvas.width);
            expect(y + height, what).toBeLessThanOrEqual(canvas.height);
          }
        }
      }
    }
  });

  it('lays four into quarters, and does not lay one over another', () => {
    expect(boxesOf('grid', 4, CANVAS)).toEqual([
      { x: 0, y: 0, width: 640, height: 360 },
      { x: 640, y: 0, width: 640, height: 360 },
      { x: 0, y: 360, width: 640, height: 360 },
      { x: 640, y: 360, width: 640, height: 360 },
    ]);
    for (const pattern of ['grid', 'large'] as const) {
      const boxes = boxesOf(pattern, 9, CANVAS);
      boxes.forEach((a, n) =>
        boxes.slice(n + 1).forEach((b) => {
          const apart =
            a.x + a.width <= b.x ||
            b.x + b.width <= a.x ||
            a.y + a.height <= b.y ||
            b.y + b.height <= a.y;
          expect(apart, `${pattern} ${n}`).toBe(true);
        }),
      );
    }
  });
});

describe('a draft', () => {
  it('is heard by its first source until another is chosen, or that one is taken away', () => {
    const draft = of('a', 'b');
    expect(draft.sound).toBe('a');
    expect(withoutCell(draft, 1).sound).toBe('a');
    expect(withoutCell(draft, 0).sound).toBe('b');
    expect(withoutCell(withoutCell(draft, 0), 0).sound).toBe('NONE');
    expect(withoutCell({ ...draft, sound: 'MIX' }, 0).sound).toBe('MIX');
  });

  it('has no more sources than a canvas may', () => {
    expect(of(...'abcdefghijk').cells).toHaveLength(MOST_CELLS);
  });

  it('is put into another order', () => {
    const order = (draft: Draft) => draft.cells.map(({ source }) => source).join('');
    expect(order(moved(of('a', 'b', 'c'), 0, 1))).toBe('bac');
    expect(order(moved(of('a', 'b', 'c'), 2, -1))).toBe('acb');
    expect(order(moved(of('a', 'b'), 1, 1))).toBe('ab');
  });
});

describe('layoutOf', () => {
  it('is understood again', () => {
    for (const { value } of PATTERNS) {
      const draft = { ...of('a', 'b', 'c'), pattern: value, sound: 'b' };
      draft.cells[1]!.label = ' B cam ';
      const layout = layoutOf(draft, null);
      expect(layout.cells[1]).toMatchObject({ source: 'b', label: 'B cam', fit: 'CONTAIN' });
      expect(layout.cells[0]).not.toHaveProperty('label');
      expect(layout.audio).toEqual({ mode: 'SOURCE', source: 'b' });
      const again = draftOf(layout);
      expect(again.pattern).toBe(value);
      expect(layoutOf(again, layout)).toEqual(layout);
    }
    expect(layoutOf({ ...of('a'), sound: 'MIX' }, null).audio).toEqual({ mode: 'MIX' });
  });

  it('keeps what somebody else arranged until the sources change', () => {
    const layout: Layout = {
      canvas: { width: 640, height: 360, fps: 30, background: '#102030' },
      cells: [{ source: 'a', x: 10, y: 20, width: 100, height: 50, fit: 'COVER' }],
      audio: { mode: 'NONE' },
      slate: false,
    };
    const draft = draftOf(layout);
    expect(draft.pattern).toBe('own');
    expect(layoutOf(draft, layout)).toEqual(layout);
    const more = layoutOf(withSource(draft, 'b'), layout);
    expect(more).toMatchObject({ canvas: layout.canvas, slate: false });
    expect(more.cells.map(({ x, width }) => [x, width])).toEqual([
      [0, 320],
      [320, 320],
    ]);
  });

  it('fills in what a layout does not say', () => {
    const draft = draftOf({ cells: [{ source: 'a', x: 0, y: 0, width: 1280, height: 720 }] });
    expect(draft).toMatchObject({ pattern: 'grid', sound: 'a' });
    expect(draft.cells[0]!.fit).toBe('CONTAIN');
    expect(draftOf(null)).toMatchObject({ cells: [], sound: 'NONE' });
  });
});

describe('usable', () => {
  it('is what has a picture of its own', () => {
    const source = (type: string) => ({
      id: type,
      name: type,
      description: null,
      type,
      status: null,
      additional_details: null,
    });
    const all = ['SRT', 'COMPOSITE', 'QTAKE', 'RAW'].map(source);
    expect(usable(all).map(({ type }) => type)).toEqual(['SRT', 'RAW']);
  });
});
