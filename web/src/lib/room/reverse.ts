/** How often a clip that is played backwards is stepped: what a room takes in the long run, and some room beside it. */
export const STEP_EVERY_MS = 62;

/** So long the command that begins it may be under way, and so far the room may be behind the steps. */
const PATIENCE_MS = 2000;

/** The frame of a clip that has been played backwards for so long from `from`; it ends at the first. */
export function reverseFrame(from: number, ms: number, perSecond: number, rate: number): number {
  return Math.max(0, from - Math.floor((ms / 1000) * perSecond * rate));
}

/** What a room shows. */
export interface Shown {
  asset_id: string | null;
  frame: number;
  playing: boolean;
}

/**
 * A clip that is played backwards by steps. It is over as soon as the room shows anything that the steps did not bring about: another
 * clip, another place, a clip that plays, or nothing new for long.
 */
export class Reversal {
  readonly #assetId: string | null;
  readonly #from: number;
  readonly #perSecond: number;
  readonly #rate: number;
  #asked: number;
  #seen: number;
  #stands = false;

  constructor(shown: Shown, from: number, perSecond: number, rate: number) {
    this.#assetId = shown.asset_id;
    [this.#from, this.#asked, this.#seen] = [from, from, from];
    [this.#perSecond, this.#rate] = [perSecond, rate];
  }

  /** The frame to step to, so long after it began; `wait` where there is nothing to do yet, null when it is over. */
  next(shown: Shown | null, ms: number): number | 'wait' | null {
    if (!shown || shown.asset_id !== this.#assetId || this.#asked === 0) return null;
    if (shown.playing) return this.#stands || ms > PATIENCE_MS ? null : 'wait';
    this.#stands = true;
    const late = (PATIENCE_MS / 1000) * this.#perSecond * this.#rate;
    const elsewhere = shown.frame > this.#seen || shown.frame < this.#asked;
    if (elsewhere || this.#seen - this.#asked > late) return null;
    this.#seen = shown.frame;
    const frame = reverseFrame(this.#from, ms, this.#perSecond, this.#rate);
    if (frame === this.#asked) return 'wait';
    this.#asked = frame;
    return frame;
  }
}
