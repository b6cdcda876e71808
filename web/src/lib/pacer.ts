export interface PacerOptions<T> {
  send: (value: T) => void;
  /** The least time between two values, in milliseconds. */
  everyMs?: number;
  /** What the server allows: so many at once, and so many a second after that. */
  burst?: number;
  perSecond?: number;
  now?: () => number;
}

/**
 * Thins out a stream of values of which only the latest counts, such as the frames under a dragged playhead:
 * the first goes out at once, the last always does, and in between never more than the server allows.
 * Its defaults stay a little below the limit of a room (20 commands a second, 40 at once), so that a
 * command from elsewhere still finds room.
 */
export class Pacer<T> {
  readonly #options: Required<PacerOptions<T>>;
  #waiting: { value: T } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  #tokens: number;
  #filledAt: number;

  constructor(options: PacerOptions<T>) {
    this.#options = {
      everyMs: 1000 / 30,
      burst: 30,
      perSecond: 16,
      now: () => performance.now(),
      ...options,
    };
    this.#tokens = this.#options.burst;
    this.#filledAt = this.#options.now();
  }

  push(value: T): void {
    this.#waiting = { value };
    if (this.#timer === undefined) this.#next();
  }

  /** Forgets what waits. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = null;
  }

  #next(): void {
    this.#timer = undefined;
    const waiting = this.#waiting;
    if (!waiting) return;
    const wait = this.#waitMs();
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#next(), wait);
      return;
    }
    this.#waiting = null;
    this.#tokens -= 1;
    this.#lastAt = this.#options.now();
    this.#options.send(waiting.value);
  }

  #waitMs(): number {
    const { now, burst, perSecond, everyMs } = this.#options;
    const at = now();
    this.#tokens = Math.min(burst, this.#tokens + ((at - this.#filledAt) / 1000) * perSecond);
    this.#filledAt = at;
    const forToken = this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / perSecond) * 1000;
    return Math.ceil(Math.max(forToken, this.#lastAt + everyMs - at));
  }
}
