// For tests: the receivers of a browser, in virtual time.
import type { LiveDelays } from './buffers';
import type { Held } from './live';

/** How a source comes, in milliseconds. */
export interface Way {
  /** How old a picture is when it arrives, and what its jitter buffer takes at least. */
  picture: number;
  pictureLeast: number;
  /** The same of its sound. */
  sound: number;
  soundLeast: number;
  /** What the sound takes behind its jitter buffer. */
  output: number;
}

/** Delays are moved by at most so much of the time that passes. */
const MOVES = 0.1;
/** How much longer than it was asked for the sound's buffer may stay. */
const LEFT_LONG_MS = 25;
const BUNCHED_MS = 25;
/** How browsers keep sound and picture in step: once a second, by half of an average, if it is so much, and by at most so much. */
const SYNC_MS = 1000;
const LEAST_APART_MS = 30;
const MOST_STEP_MS = 80;
/** Pictures reach the screen with its refreshes. */
const REFRESHES = [0, 10, 3, 13, 7];

/**
 * It does what Chromium's receivers do: neither buffer holds back less than it must, than it was asked to, or than keeps the two in
 * step; and what keeps them in step is never taken from what was asked for.
 */
export class SimulatedBrowser {
  asked: Held = { picture: 0, sound: 0 };
  #picture: number;
  #sound: number;
  #extra: Held = { picture: 0, sound: 0 };
  #apart = 0;
  #now = 0;
  #shown = 0;

  constructor(readonly way: Way) {
    this.#picture = way.pictureLeast;
    this.#sound = way.soundLeast;
  }

  /** How old the picture is that is on the screen, and the sound that is heard. */
  get pictureAge(): number {
    return this.way.picture + this.#picture;
  }

  get soundAge(): number {
    return this.way.sound + this.#sound + this.way.output;
  }

  get delays(): LiveDelays {
    return {
      picture: {
        delay: this.#picture,
        target: this.#target('picture'),
        least: this.way.pictureLeast,
      },
      // Packets that come in bunches wait less than the buffer aims at.
      sound: {
        delay: this.#sound - BUNCHED_MS,
        target: this.#target('sound'),
        least: this.way.soundLeast,
      },
      soundBehind: this.soundAge - this.pictureAge,
    };
  }

  /** So much time passes, and a picture is shown: how old it seems to be. */
  tick(ms: number): number {
    this.#now += ms;
    if (this.#now % SYNC_MS < ms) this.#keepInStep();
    const move = (from: number, to: number) =>
      from + Math.max(-MOVES * ms, Math.min(MOVES * ms, to - from));
    this.#picture = move(this.#picture, this.#target('picture'));
    // The sound's buffer is shortened only where it is much too long.
    const sound = this.#target('sound');
    if (sound > this.#sound || sound < this.#sound - LEFT_LONG_MS) {
      this.#sound = move(this.#sound, sound);
    }
    this.#shown += 1;
    return this.pictureAge + (REFRESHES[this.#shown % REFRESHES.length] ?? 0);
  }

  #target(track: 'picture' | 'sound'): number {
    return Math.max(this.way[`${track}Least`], this.asked[track], this.#extra[track]);
  }

  #keepInStep(): void {
    const ahead = this.pictureAge - this.soundAge;
    this.#apart = (3 * this.#apart + ahead) / 4;
    if (Math.abs(this.#apart) < LEAST_APART_MS) return;
    const step = Math.max(-MOST_STEP_MS, Math.min(MOST_STEP_MS, this.#apart / 2));
    this.#apart = 0;
    const { picture, sound } = this.#extra;
    if (step > 0) {
      this.#extra =
        picture > 0
          ? { picture: Math.max(0, picture - step), sound: 0 }
          : { picture: 0, sound: sound + step };
    } else {
      this.#extra =
        sound > 0
          ? { picture: 0, sound: Math.max(0, sound + step) }
          : { picture: picture - step, sound: 0 };
    }
  }
}
