/**
 * Reads the machine-readable frame number out of a picture of the demo's test
 * pattern. The geometry is that of `src/demo/strip.rs`, in fractions of the
 * picture, so that any size works: draw the whole video frame into a canvas
 * (320 x 180 is enough) and hand over its pixels.
 *
 *     context.drawImage(video, 0, 0, 320, 180);
 *     const reading = readFrameStrip(context.getImageData(0, 0, 320, 180));
 *
 * The functions use nothing outside of themselves, so that a test may also
 * send them into a page as text.
 */

/** Where a picture comes from. */
export type FrameSource = 'live' | 'clip-a' | 'clip-b' | 'other'

/** What a strip says. */
export interface FrameReading {
  source: FrameSource
  /** The frame number, modulo 2^22. */
  frame: number
}

/** The pixels of a canvas, RGBA row by row. */
export interface Pixels {
  width: number
  height: number
  data: ArrayLike<number>
}

/** The strip of a picture, or null when the picture carries no intact one. */
export function readFrameStrip(pixels: Pixels): FrameReading | null {
  const cells = 32
  const columns = 40
  const rows = 180
  const firstColumn = 4
  const firstRow = 158
  const lastRow = 170
  const payloadBits = 24
  const minContrast = 60

  const level = (cell: number): number => {
    // The middle half of the cell in both directions.
    const left = ((firstColumn + cell + 0.25) / columns) * pixels.width
    const right = ((firstColumn + cell + 0.75) / columns) * pixels.width
    const quarter = (lastRow - firstRow) / 4
    const top = ((firstRow + quarter) / rows) * pixels.height
    const bottom = ((lastRow - quarter) / rows) * pixels.height
    let sum = 0
    let count = 0
    for (let y = Math.floor(top); y < Math.max(bottom, Math.floor(top) + 1); y++) {
      for (let x = Math.floor(left); x < Math.max(right, Math.floor(left) + 1); x++) {
        const at = (y * pixels.width + x) * 4
        const [r, g, b] = [pixels.data[at] ?? 0, pixels.data[at + 1] ?? 0, pixels.data[at + 2] ?? 0]
        sum += 0.2126 * r + 0.7152 * g + 0.0722 * b
        count += 1
      }
    }
    return sum / count
  }

  const levels: number[] = []
  for (let cell = 0; cell < cells; cell++) levels.push(level(cell))
  const at = (cell: number): number => levels[cell] ?? 0
  const white = (at(0) + at(31)) / 2
  const black = (at(1) + at(30)) / 2
  if (white < black + minContrast) return null
  const threshold = (white + black) / 2
  const bits = levels.map((value) => (value > threshold ? 1 : 0))
  const number = (from: number, length: number): number =>
    bits.slice(from, from + length).reduce((value, bit) => value * 2 + bit, 0)

  if (number(0, 2) !== 0b10 || number(30, 2) !== 0b01) return null
  // CRC-4, x^4 + x + 1, over source and frame.
  let crc = 0b1010
  for (const bit of bits.slice(2, 2 + payloadBits)) {
    const feedback = (crc >> 3) ^ bit
    crc = ((crc << 1) & 0xf) ^ (feedback === 1 ? 0b0011 : 0)
  }
  if (crc !== number(26, 4)) return null
  const sources: FrameSource[] = ['live', 'clip-a', 'clip-b', 'other']
  return { source: sources[number(2, 2)] ?? 'other', frame: number(4, 22) }
}

/** The frame number alone, or null when there is no intact strip. */
export function readFrameNumber(pixels: Pixels): number | null {
  return readFrameStrip(pixels)?.frame ?? null
}

/**
 * Three strips as their 32 cells, first cell in the highest bit: what a test
 * draws to hold this reader and `src/demo/strip.rs` together.
 */
export const knownStrips: readonly { cells: number; reading: FrameReading }[] = [
  { cells: 0x80000021, reading: { source: 'live', frame: 0 } },
  { cells: 0x90003e61, reading: { source: 'clip-a', frame: 249 } },
  { cells: 0xbfffffcd, reading: { source: 'other', frame: 2 ** 22 - 1 } },
]
