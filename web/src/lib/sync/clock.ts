/** What four timestamps say about the server's clock, in milliseconds. */
export interface ClockSample {
  /** What to add to the local time to get the server's. */
  offset: number;
  /** The time on the way, both ways together. */
  delay: number;
  /** When the sample was taken, on the local clock. */
  at: number;
}

const KEPT = 16;
/** How far two ordinary clocks drift apart: 100 parts in a million. An old sample is that much less sure. */
const DRIFT = 100e-6;
/** Exchanges follow each other quickly until there are enough to choose from. */
const FIRST_EXCHANGES_MS = 150;
const LATER_EXCHANGES_MS = 3000;

/**
 * The server's clock as seen from here. Of the last 16 exchanges the surest counts: the one with the least delay, since the
 * error of an offset is at most half its delay, and age makes it less sure.
 */
export class ServerClock {
  readonly #samples: ClockSample[] = [];
  #count = 0;

  /**
   * One exchange: sent at `t0` (local), received by the server at `t1` and answered at `t2` (server), received at `t3`
   * (local). Local times are of one clock that never jumps, such as `performance.now()`. Nonsense is ignored.
   */
  add(t0: number, t1: number, t2: number, t3: number): void {
    const delay = t3 - t0 - (t2 - t1);
    const offset = (t1 - t0 + (t2 - t3)) / 2;
    if (!Number.isFinite(delay) || !Number.isFinite(offset) || t3 < t0) return;
    this.#samples.push({ offset, delay: Math.max(delay, 0), at: t3 });
    if (this.#samples.length > KEPT) this.#samples.shift();
    this.#count += 1;
  }

  /** After a reconnect the way may be another, and the server too. */
  reset(): void {
    this.#samples.length = 0;
    this.#count = 0;
  }

  /** The surest sample; null before the first exchange. */
  get best(): ClockSample | null {
    const newest = this.#samples.at(-1);
    if (!newest) return null;
    const doubt = (sample: ClockSample) => sample.delay / 2 + (newest.at - sample.at) * DRIFT;
    return this.#samples.reduce((a, b) => (doubt(b) <= doubt(a) ? b : a));
  }

  /** The round trip to the server in milliseconds: the least of the last exchanges. */
  get rtt(): number | null {
    return this.#samples.length ? Math.min(...this.#samples.map((s) => s.delay)) : null;
  }

  /** The server's time at a local time; null before the first exchange. */
  serverTime(local: number): number | null {
    const best = this.best;
    return best && local + best.offset;
  }

  /** How long to wait before the next exchange, in milliseconds. */
  get pause(): number {
    return this.#count < KEPT ? FIRST_EXCHANGES_MS : LATER_EXCHANGES_MS;
  }
}
