// Holds the reader of the frame strip together with the server's drawing of it (src/demo/strip.rs has the same codes).
import { expect, test } from '@playwright/test';
import { readStrip, stripCells, type FrameReading, type Luma } from './frameStrip.ts';

const KNOWN: { cells: number; reading: FrameReading }[] = [
  { cells: 0x80000021, reading: { source: 'live', frame: 0 } },
  { cells: 0x90003e61, reading: { source: 'clip-a', frame: 249 } },
  { cells: 0xbfffffcd, reading: { source: 'other', frame: 2 ** 22 - 1 } },
];

/** A black picture with the 32 cells of a strip, the first in the highest bit. */
function draw(width: number, height: number, cells: number): Luma {
  const luma = new Uint8Array(width * height);
  for (let cell = 0; cell < 32; cell++) {
    if (Math.floor(cells / 2 ** (31 - cell)) % 2 === 0) continue;
    for (let y = Math.floor((158 / 180) * height); y < Math.floor((170 / 180) * height); y++) {
      const row = y * width;
      luma.fill(255, row + Math.floor(((4 + cell) / 40) * width), row + Math.floor(((5 + cell) / 40) * width));
    }
  }
  return { width, height, luma };
}

test('the frame strip is read at every size', () => {
  for (const [width, height] of [[1280, 720], [960, 540], [640, 360], [427, 240], [320, 180], [160, 90]] as const) {
    for (const { cells, reading } of KNOWN) expect(readStrip(draw(width, height, cells))).toEqual(reading);
  }
});

test('the cells that a test draws are those that the server draws', () => {
  for (const { cells, reading } of KNOWN) {
    expect(stripCells(reading).reduce((code, bit) => code * 2 + bit, 0)).toBe(cells);
  }
});

test('a picture without an intact strip gives nothing', () => {
  expect(readStrip({ width: 320, height: 180, luma: new Uint8Array(320 * 180).fill(90) })).toBeNull();
  for (const { cells } of KNOWN) {
    for (let bit = 0; bit < 32; bit++) expect(readStrip(draw(320, 180, (cells ^ (1 << bit)) >>> 0))).toBeNull();
  }
});
