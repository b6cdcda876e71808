import { ageMs, delaysBetween, LiveHolder, type Held, type LiveTotals } from '../lib/sync';

/** What this module needs of a live view, so that tests can stand in for it. */
export interface HeldView {
  /** Asks the browser to hold the picture and its sound back by so much. */
  hold(held: Held): void;
  /** What the browser's buffers have done so far; null where that is not known. */
  totals(): Promise<LiveTotals | null>;
}

export interface LiveFollowerOptions {
  view: HeldView;
  /** The server's time at a moment of `performance.now()`; null before the clocks were compared. */
  serverAt: (performanceMs: number) => number | null;
  now?: () => number;
}

/** How a live picture is shown here, in milliseconds. */
export interface LiveStatus {
  /** How old it is on the screen; null while that is not known. */
  ageMs: number | null;
  /** How far it is ahead of the others; null while nothing is agreed on. */
  errorMs: number | null;
  /** The same in pictures of the source. */
  errorFrames: number | null;
  /** The least age that this client needs; null while that is not known. */
  leastMs: number | null;
}

const LOOK_EVERY_MS = 500;

/** Shows a live source at the age that the room says. */
export class LiveFollower {
  readonly #options: Required<LiveFollowerOptions>;
  readonly #timer: ReturnType<typeof setInterval>;
  #holder = new LiveHolder();
  #totals: LiveTotals | null = null;
  #last: { timestamp: number; interval: number | null } | null = null;
  /** The age that all have in common; null for the least that the network allows. */
  wanted: number | null = null;

  constructor(options: LiveFollowerOptions) {
    this.#options = { now: () => performance.now(), ...options };
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  get status(): LiveStatus {
    const { age, least } = this.#holder;
    const error = age === null || this.wanted === null ? null : this.wanted - age;
    const interval = this.#last?.interval ?? null;
    return {
      ageMs: age,
      errorMs: error,
      errorFrames: error === null || interval === null ? null : error / interval,
      leastMs: least,
    };
  }

  /** Begins anew: another source, or another connection. */
  reset(): void {
    // A new connection is not held back by what the one before it was.
    this.#holder.reset();
    this.#options.view.hold(this.#holder.held);
    this.#totals = null;
    this.#last = null;
  }

  /** A picture reaches the screen. Without its RTP timestamp a browser does not say how old it is. */
  picture(
    metadata: Pick<VideoFrameCallbackMetadata, 'rtpTimestamp' | 'expectedDisplayTime'>,
  ): void {
    const { rtpTimestamp: timestamp, expectedDisplayTime } = metadata;
    const at = this.#options.serverAt(expectedDisplayTime);
    if (timestamp === undefined || at === null) return;
    const step = this.#last ? ageMs(this.#last.timestamp, 0) - ageMs(timestamp, 0) : 0;
    const usual = step > 0 && step < 1000;
    this.#last = { timestamp, interval: usual ? step : (this.#last?.interval ?? null) };
    this.#holder.add(ageMs(timestamp, at));
  }

  /** Looks whether the picture is as old as it shall be. */
  async look(): Promise<void> {
    const { view, now } = this.#options;
    const totals = await view.totals();
    const delays = totals && this.#totals ? delaysBetween(this.#totals, totals) : null;
    this.#totals = totals;
    const before = this.#holder.held;
    const held = this.#holder.decide(this.wanted, delays, now());
    if (held !== before) view.hold(held);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
