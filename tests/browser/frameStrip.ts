// Reads the machine-readable frame number out of a picture of the demo's test pattern. The geometry is that of
// src/demo/strip.rs, in fractions of the picture, so that a picture of any size works from 160 x 90 on: draw the
// whole video frame into a canvas and hand over its pixels.

/** Where a picture comes from. */
export type FrameSource = 'live' | 'clip-a' | 'clip-b' | 'other';

/** What a strip says. */
export interface FrameReading {
  source: FrameSource;
  /** The frame number, modulo 2^22. */
  frame: number;
}

/** A picture as one brightness (0-255) a pixel, row by row. A canvas's green channel will do. */
export interface Luma {
  width: number;
  height: number;
  luma: ArrayLike<number>;
}

const CELLS = 32;
const COLUMNS = 40;
const ROWS = 180;
const FIRST_COLUMN = 4;
const FIRST_ROW = 158;
const LAST_ROW = 170;
const MIN_CONTRAST = 60;
const SOURCES: readonly FrameSource[] = ['live', 'clip-a', 'clip-b', 'other'];

/** The frame number in a picture, or null when the picture carries no intact strip. */
export function readFrameStrip(picture: Luma): number | null {
  return readStrip(picture)?.frame ?? null;
}

/** The same for the pixels of a canvas. */
export function readFrameNumber(image: ImageData): number | null {
  return readFrameStrip(lumaOf(image));
}

/** The brightness of each pixel of a canvas: its green channel. */
export function lumaOf(image: ImageData): Luma {
  const luma = new Uint8Array(image.width * image.height);
  for (let i = 0; i < luma.length; i++) luma[i] = image.data[i * 4 + 1] ?? 0;
  return { width: image.width, height: image.height, luma };
}

/** All that a strip says, or null when the picture carries no intact one. */
export function readStrip(picture: Luma): FrameReading | null {
  const levels = Array.from({ length: CELLS }, (_, cell) => cellLevel(picture, cell));
  const at = (cell: number): number => levels[cell] ?? 0;
  const white = (at(0) + at(31)) / 2;
  const black = (at(1) + at(30)) / 2;
  if (white < black + MIN_CONTRAST) return null;

  const bits = levels.map((level) => (level > (white + black) / 2 ? 1 : 0));
  const number = (from: number, length: number): number =>
    bits.slice(from, from + length).reduce<number>((value, bit) => value * 2 + bit, 0);
  const intact = number(0, 2) === 0b10 && number(30, 2) === 0b01 && number(26, 4) === crc4(bits.slice(2, 26));
  return intact ? { source: SOURCES[number(2, 2)] ?? 'other', frame: number(4, 22) } : null;
}

/** The cells of a strip that says this, 1 where it is white. */
export function stripCells({ source, frame }: FrameReading): number[] {
  const bits = (value: number, length: number): number[] =>
    Array.from({ length }, (_, n) => (value >> (length - 1 - n)) & 1);
  const payload = [...bits(SOURCES.indexOf(source), 2), ...bits(frame % 2 ** 22, 22)];
  return [1, 0, ...payload, ...bits(crc4(payload), 4), 0, 1];
}

/** Mean brightness of the middle half of a cell in both directions. */
function cellLevel({ width, height, luma }: Luma, cell: number): number {
  const quarter = (LAST_ROW - FIRST_ROW) / 4;
  const left = Math.floor(((FIRST_COLUMN + cell + 0.25) / COLUMNS) * width);
  const right = Math.max(((FIRST_COLUMN + cell + 0.75) / COLUMNS) * width, left + 1);
  const top = Math.floor(((FIRST_ROW + quarter) / ROWS) * height);
  const bottom = Math.max(((LAST_ROW - quarter) / ROWS) * height, top + 1);
  let sum = 0;
  let count = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      sum += luma[y * width + x] ?? 0;
      count += 1;
    }
  }
  return sum / count;
}

/** CRC-4 with the polynomial x^4 + x + 1, started with 0b1010. */
function crc4(bits: readonly number[]): number {
  return bits.reduce<number>((crc, bit) => {
    const feedback = (crc >> 3) ^ bit;
    return ((crc << 1) & 0xf) ^ (feedback === 1 ? 0b0011 : 0);
  }, 0b1010);
}
