import { describe, expect, it } from 'vitest';
import { ServerClock } from './clock';

/** An exchange with a server that is `offset` ahead, over a way of `there` and `back` milliseconds. */
function exchange(clock: ServerClock, at: number, offset: number, there: number, back: number) {
  const t1 = at + there + offset;
  clock.add(at, t1, t1 + 0.5, at + there + 0.5 + back);
}

describe('ServerClock', () => {
  it('knows nothing before the first exchange', () => {
    const clock = new ServerClock();
    expect(clock.best).toBeNull();
    expect(clock.rtt).toBeNull();
    expect(clock.serverTime(0)).toBeNull();
  });

  it('is exact over an even way', () => {
    const clock = new ServerClock();
    exchange(clock, 1000, 5000, 20, 20);
    expect(clock.best?.offset).toBeCloseTo(5000, 9);
    expect(clock.rtt).toBeCloseTo(40, 9);
    expect(clock.serverTime(2000)).toBeCloseTo(7000, 9);
  });

  it('believes the least delayed of the last sixteen', () => {
    const clock = new ServerClock();
    exchange(clock, 0, -5000, 3, 3);
    for (let i = 1; i < 16; i++) exchange(clock, i * 100, -5000, 3, 3 + i * 40);
    expect(clock.best?.offset).toBeCloseTo(-5000, 9);
    exchange(clock, 1700, -5000, 3, 900);
    // The good one has gone; the least delayed of what is left is off by half of its uneven way.
    expect(clock.best?.offset).toBeCloseTo(-5020, 9);
  });

  it('is never off by more than half the delay', () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    const clock = new ServerClock();
    for (let i = 0; i < 200; i++) {
      exchange(clock, i * 1000, 1234.5, random() * 300, random() * 300);
      const best = clock.best!;
      expect(Math.abs(best.offset - 1234.5)).toBeLessThanOrEqual(best.delay / 2 + 1e-6);
    }
  });

  it('follows a clock that drifts', () => {
    const clock = new ServerClock();
    const drift = 100e-6;
    for (let at = 0; at < 600_000; at += 5000) {
      exchange(clock, at, at * drift, 10 + (at % 7), 10 + (at % 7));
      const error = clock.serverTime(at)! - (at + at * drift);
      expect(Math.abs(error)).toBeLessThan(5);
    }
  });

  it('begins anew, quickly at first', () => {
    const clock = new ServerClock();
    for (let i = 0; i < 16; i++) {
      expect(clock.pause).toBe(150);
      exchange(clock, i, 0, 1, 1);
    }
    expect(clock.pause).toBe(3000);
    clock.reset();
    expect(clock.pause).toBe(150);
    expect(clock.best).toBeNull();
  });

  it('ignores nonsense', () => {
    const clock = new ServerClock();
    clock.add(0, Number.NaN, 1, 2);
    clock.add(5, 1, 1, 4);
    expect(clock.best).toBeNull();
  });
});
