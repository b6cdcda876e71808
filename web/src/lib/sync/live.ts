// A live picture's age, and how long to hold it and its sound back so that everyone in a room sees it at once.
import type { BufferDelays, LiveDelays } from './buffers';

/** Ticks of a millisecond in the RTP timestamps of the picture. */
const TICKS_PER_MS = 90;
const MODULUS = 2 ** 32;

/**
 * How long ago a frame was captured, in milliseconds, at a time on the server's clock: its RTP timestamp counts, modulo 2^32, the
 * milliseconds of that clock in 90 kHz.
 */
export function ageMs(rtpTimestamp: number, serverMs: number): number {
  const ticks = (serverMs * TICKS_PER_MS - rtpTimestamp) % MODULUS;
  const wrapped = ticks >= MODULUS / 2 ? ticks - MODULUS : ticks;
  return (wrapped < -MODULUS / 2 ? wrapped + MODULUS : wrapped) / TICKS_PER_MS;
}

/** What the receivers of a source are asked to hold back, in milliseconds. */
export interface Held {
  picture: number;
  sound: number;
}

/** Pictures that say together how old they are when they are shown: enough for the pattern of the screen's refreshes. */
const KEPT = 25;
const LEAST_KEPT = 5;
/** Looks that say together how far the sound is behind. */
const LOOKS_KEPT = 5;
/** So many looks without any sound, and a source has none: a gap in it moves nothing. */
const SILENT_LOOKS = 10;
/**
 * Below this a picture is not corrected: it is the noise of the refreshes, of which half of one at 60 Hz is 8 ms. With less, two
 * pages that were in step went to and fro around each other for a minute.
 */
const LEAVE_MS = 10;
/** Below this nobody notices that sound and picture are not of one moment, and browsers do nothing against it. */
const LEAVE_APART_MS = 15;
/** The sound's buffer keeps to what it is asked for within some 20 ms: so few looks are enough only where it is farther away. */
const FEW_LOOKS = 2;
const FAR_APART_MS = 40;
/** Browsers move a delay slowly; until it is there, and enough pictures after it, nothing is to be learnt. */
const MOVES_MS_PER_MS = 0.2;
const SETTLED_MS = 1000;
/** The most that a `jitterBufferTarget` may be. */
const MOST_HELD_MS = 4000;
/** What is added to the least age of this client, so that it need not be the last by a hair. */
const SPARE_MS = 10;
const NOTHING: Held = { picture: 0, sound: 0 };

/** A track as it is shown or heard now, in milliseconds. */
interface Track {
  age: number;
  /** What its receiver was asked to hold back, and what its buffer does. */
  held: number;
  buffer: BufferDelays | null;
}

/**
 * Decides what `jitterBufferTarget`s show a live source at a common age, the sound with its picture. It reads no clock and touches no
 * receiver.
 *
 * Picture and sound are each held back for themselves, because the way of one may be longer: sound that is decoded and encoded anew
 * comes 100 ms and more after its picture. Browsers keep the two in step as well, by holding back more whichever is ahead, but
 * slowly. What they hold back for that is no need of the picture's: taken for one, everyone would be asked to wait longer, the sound
 * as well, the browser would hold the picture back by still more, and so on without an end.
 */
export class LiveHolder {
  readonly #ages: number[] = [];
  readonly #behind: number[] = [];
  #held = NOTHING;
  #moving = -Infinity;
  #least: number | null = null;
  /** Looks since something was heard; null where nothing is. */
  #quiet: number | null = null;

  /** What the receivers are asked for now. */
  get held(): Held {
    return this.#held;
  }

  /** How old pictures are when they are shown; null before there are enough. */
  get age(): number | null {
    return this.#ages.length < LEAST_KEPT ? null : median(this.#ages);
  }

  /** The least age at which this client can show the source with its sound; null before it is known. */
  get least(): number | null {
    return this.#least;
  }

  /** Forgets what was measured; for another source, or a new connection. */
  reset(): void {
    this.#forget();
    this.#held = NOTHING;
    this.#moving = -Infinity;
    this.#least = null;
    this.#quiet = null;
  }

  /** A picture reaches the screen at this age. */
  add(age: number): void {
    // A source that has just begun shows what was kept of it, quickly; that says nothing about what comes.
    if (!Number.isFinite(age) || Math.abs(age) > 60_000) return;
    this.#ages.push(age);
    if (this.#ages.length > KEPT) this.#ages.shift();
  }

  /**
   * What to ask the receivers for from now on. `wanted` is the common age, null for the least that the network allows; `now` is in
   * milliseconds. What is asked for already comes back as the same object.
   */
  decide(wanted: number | null, delays: LiveDelays | null, now: number): Held {
    const age = this.age;
    if (age === null || now < this.#moving || this.#pauses(delays)) return this.#held;
    const behind = this.#listen(delays);
    const picture = { age, held: this.#held.picture, buffer: delays?.picture ?? null };
    // Where it is not known how far the sound is behind, the browser keeps both in step as well as it can.
    const buffer = delays?.sound ?? null;
    const sound = { age: age + (behind ?? 0), held: this.#held.sound, buffer };
    const need = Math.max(leastOf(picture), buffer ? leastOf(sound) : 0);
    this.#learn(need);
    // Who cannot show the picture as soon as the others still hears the sound with it.
    const goal = Math.max(wanted ?? 0, need);
    const asked = ask(picture, goal, goal === wanted ? LEAVE_MS : LEAVE_APART_MS);
    // The sound goes where its picture goes, or is.
    const meeting = asked === picture.held ? Math.max(age, leastOf(sound)) : goal;
    const leave = this.#behind.length > FEW_LOOKS ? LEAVE_APART_MS : FAR_APART_MS;
    const heard = behind === null ? asked : ask(sound, meeting, leave);
    return this.#move(picture, asked, sound, heard, now);
  }

  /** Whether the sound that there was is missing for a moment. */
  #pauses(delays: LiveDelays | null): boolean {
    if ((delays?.soundBehind ?? null) !== null) this.#quiet = 0;
    else if (this.#quiet !== null) {
      this.#quiet = this.#quiet < SILENT_LOOKS ? this.#quiet + 1 : null;
    }
    return (this.#quiet ?? 0) > 0;
  }

  #listen(delays: LiveDelays | null): number | null {
    const behind = delays?.soundBehind ?? null;
    if (behind === null || Math.abs(behind) > MOST_HELD_MS) return null;
    this.#behind.push(behind);
    if (this.#behind.length > LOOKS_KEPT) this.#behind.shift();
    return median(this.#behind);
  }

  #move(picture: Track, asked: number, sound: Track, heard: number, now: number): Held {
    if (asked === picture.held && heard === sound.held) return this.#held;
    this.#held = { picture: asked, sound: heard };
    const change = Math.max(changeOf(picture, asked), changeOf(sound, heard));
    this.#moving = now + SETTLED_MS + change / MOVES_MS_PER_MS;
    this.#forget();
    return this.#held;
  }

  #forget(): void {
    this.#ages.length = 0;
    this.#behind.length = 0;
  }

  #learn(need: number): void {
    const least = Math.max(0, need + SPARE_MS);
    // Much slower to believe that it is better than that it is worse.
    const before = this.#least;
    this.#least = before === null || least > before ? least : before + (least - before) / 40;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/**
 * The least age that a track could have: without what its buffer does beyond its own need, whoever asked for that. It may do more
 * than it aims at, where it was asked for less a moment ago; and less, where packets come in bunches.
 */
function leastOf({ age, held, buffer }: Track): number {
  if (!buffer) return age - held;
  const { delay, target, least } = buffer;
  return age - Math.max(0, target - least, delay - least);
}

/** What to ask a receiver for, so that its track has this age; what it is asked for now where that is near enough. */
function ask({ age, held, buffer }: Track, goal: number, leave: number): number {
  if (Math.abs(goal - age) < leave) return held;
  const target = Math.max(held, buffer?.target ?? 0) + goal - age;
  const asked = Math.max(0, Math.min(MOST_HELD_MS, target));
  return Math.abs(asked - held) < leave ? held : asked;
}

/** How far a delay moves when this is asked for. */
function changeOf({ held, buffer }: Track, asked: number): number {
  const least = buffer?.least ?? 0;
  return Math.abs(Math.max(least, asked) - Math.max(least, held));
}
