/** How often a clip that is played backwards is stepped: what a room takes in the long run, and some room beside it. */
export const STEP_EVERY_MS = 62;

/** The frame of a clip that has been played backwards for so long from `from`; it ends at the first. */
export function reverseFrame(from: number, ms: number, perSecond: number, rate: number): number {
  return Math.max(0, from - Math.floor((ms / 1000) * perSecond * rate));
}
