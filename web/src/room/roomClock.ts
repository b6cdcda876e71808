import { ApiError } from '../lib/api';
import type { Socket } from '../lib/socket';
import { ServerClock } from '../lib/sync';

export interface RoomClockOptions {
  socket: Pick<Socket, 'request'>;
  /** After every exchange. */
  onSample: () => void;
  onRefused: (error: ApiError) => void;
}

/** Keeps the server's clock in view: often at first, then now and then. A question without an answer ends the connection. */
export class RoomClock {
  readonly #options: RoomClockOptions;
  readonly #clock = new ServerClock();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RoomClockOptions) {
    this.#options = options;
  }

  /** The server's time at a moment of `performance.now()`; null before the first exchange. */
  serverAt(performanceMs: number): number | null {
    return this.#clock.serverTime(performanceMs);
  }

  get rtt(): number | null {
    return this.#clock.rtt;
  }

  get offset(): number | null {
    return this.#clock.best?.offset ?? null;
  }

  /** Begins anew: the connection is new, and the server behind it may be too. */
  restart(): void {
    this.#clock.reset();
    void this.#ask();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    const t0 = performance.now();
    try {
      const answer = await this.#options.socket.request<{ t1: number; t2: number }>('rushes/time', {
        t0,
      });
      this.#clock.add(t0, answer.t1, answer.t2, performance.now());
    } catch (error) {
      // Without a connection the next one starts over.
      if (!(error instanceof ApiError)) return;
      this.#options.onRefused(error);
    }
    this.#timer = setTimeout(() => void this.#ask(), this.#clock.pause);
    this.#options.onSample();
  }
}
