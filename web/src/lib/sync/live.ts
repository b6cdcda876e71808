// A live picture's age, and how long to hold it back so that everyone in a room sees it at once.

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

/** What the browser's jitter buffers do on average, in milliseconds. */
export interface BufferDelays {
  /** What pictures are held back by. */
  target: number;
  /** What they would be, if nobody asked for more: by their own network, or by that of the sound, with which they keep step. */
  least: number;
}

/** The totals of `RTCInboundRtpStreamStats`, in seconds. */
export interface BufferTotals {
  jitterBufferTargetDelay?: number;
  jitterBufferMinimumDelay?: number;
  jitterBufferEmittedCount?: number;
}

/** The totals of the picture, and of its sound where there is one. */
export interface LiveTotals {
  video: BufferTotals;
  audio: BufferTotals | null;
}

/** The averages between two looks at the totals; null where the browser does not say. */
export function delaysBetween(before: LiveTotals, after: LiveTotals): BufferDelays | null {
  const video = between(before.video, after.video);
  const audio = before.audio && after.audio ? between(before.audio, after.audio) : null;
  return video && { ...video, least: Math.max(video.least, audio?.least ?? 0) };
}

function between(before: BufferTotals, after: BufferTotals): BufferDelays | null {
  const pictures = (after.jitterBufferEmittedCount ?? 0) - (before.jitterBufferEmittedCount ?? 0);
  const [target, targetBefore] = [after.jitterBufferTargetDelay, before.jitterBufferTargetDelay];
  const [least, leastBefore] = [after.jitterBufferMinimumDelay, before.jitterBufferMinimumDelay];
  if (pictures <= 0 || target === undefined || least === undefined) return null;
  return {
    target: ((target - (targetBefore ?? 0)) / pictures) * 1000,
    least: ((least - (leastBefore ?? 0)) / pictures) * 1000,
  };
}

/** Pictures that say together how old they are when they are shown: enough for the pattern of the screen's refreshes. */
const KEPT = 25;
const LEAST_KEPT = 5;
/** Below this nothing is corrected: it is the noise of the refreshes. */
const LEAVE_MS = 6;
/** A buffer that holds back so much more than it is asked to does it for its own reasons. */
const OWN_REASONS_MS = 15;
/** Browsers move the delay of a picture slowly; until it is there, and enough pictures after it, nothing is to be learnt. */
const MOVES_MS_PER_MS = 0.2;
const SETTLED_MS = 1000;
/** The most that a `jitterBufferTarget` may be. */
const MOST_HELD_MS = 4000;
/** What is added to the least age of this client, so that it need not be the last by a hair. */
const SPARE_MS = 10;

/**
 * Decides what `jitterBufferTarget` shows a live source at a common age. It reads no clock and touches no receiver.
 */
export class LiveHolder {
  readonly #ages: number[] = [];
  #held = 0;
  #moving = -Infinity;
  #least: number | null = null;

  /** What the receiver is asked for now, in milliseconds. */
  get held(): number {
    return this.#held;
  }

  /** How old pictures are when they are shown; null before there are enough. */
  get age(): number | null {
    if (this.#ages.length < LEAST_KEPT) return null;
    const sorted = [...this.#ages].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? null;
  }

  /** The least age at which this client can show the source; null before it is known. */
  get least(): number | null {
    return this.#least;
  }

  /** Forgets what was measured; for another source, or a new connection. */
  reset(): void {
    this.#ages.length = 0;
    this.#held = 0;
    this.#moving = -Infinity;
    this.#least = null;
  }

  /** A picture reaches the screen at this age. */
  add(age: number): void {
    // A source that has just begun shows what was kept of it, quickly; that says nothing about what comes.
    if (!Number.isFinite(age) || Math.abs(age) > 60_000) return;
    this.#ages.push(age);
    if (this.#ages.length > KEPT) this.#ages.shift();
  }

  /**
   * What to ask the receiver for from now on. `wanted` is the common age, null for the least that the network allows; `now` is in
   * milliseconds.
   */
  decide(wanted: number | null, buffer: BufferDelays | null, now: number): number {
    const age = this.age;
    if (age === null || now < this.#moving) return this.#held;
    const held = buffer ? Math.max(buffer.target, this.#held) : this.#held;
    this.#learn(age, buffer);
    const target = wanted === null ? 0 : Math.min(MOST_HELD_MS, Math.max(0, held + wanted - age));
    // What lies below the buffer's own delay is all the same to it.
    const change = target - this.#held;
    if (Math.abs(change) < LEAVE_MS || (wanted !== null && Math.abs(wanted - age) < LEAVE_MS)) {
      return this.#held;
    }
    this.#held = target;
    this.#moving = now + SETTLED_MS + Math.abs(change) / MOVES_MS_PER_MS;
    this.#ages.length = 0;
    return target;
  }

  #learn(age: number, buffer: BufferDelays | null): void {
    const asked = !buffer || buffer.target <= this.#held + OWN_REASONS_MS;
    const extra = asked ? Math.max(0, buffer ? buffer.target - buffer.least : this.#held) : 0;
    const least = Math.max(0, age - extra + SPARE_MS);
    // Much slower to believe that it is better than that it is worse.
    const before = this.#least;
    this.#least = before === null || least > before ? least : before + (least - before) / 40;
  }
}
