import { describe, expect, it } from 'vitest';
import { ageMs, delaysBetween, LiveHolder, type BufferDelays, type BufferTotals } from './live';

/** The RTP timestamp of a moment. */
const stamp = (ms: number) => Math.floor(ms * 90) % 2 ** 32;

describe('ageMs', () => {
  it('is the time since the moment that the timestamp counts, however often it turned over', () => {
    for (const now of [1_764_000_000_123.5, 47_721_859, 47_721_858.5, 1000]) {
      expect(ageMs(stamp(now), now)).toBeCloseTo(0, 1);
      expect(ageMs(stamp(now), now + 183.25)).toBeCloseTo(183.25, 1);
      expect(ageMs(stamp(now + 20), now)).toBeCloseTo(-20, 1);
    }
  });
});

describe('delaysBetween', () => {
  const totals = (count: number, target: number, least?: number): BufferTotals => ({
    jitterBufferEmittedCount: count,
    jitterBufferTargetDelay: target,
    ...(least === undefined ? {} : { jitterBufferMinimumDelay: least }),
  });

  it('is the average of the pictures between two looks', () => {
    const before = { video: totals(100, 5, 4), audio: null };
    const after = { video: totals(150, 15, 6), audio: null };
    expect(delaysBetween(before, after)).toEqual({ target: 200, least: 40 });
    expect(delaysBetween(after, after), 'nothing came').toBeNull();
    const silent = { video: totals(100, 5), audio: null };
    expect(delaysBetween(silent, { video: totals(150, 15), audio: null })).toBeNull();
  });

  it('is not less than the sound needs', () => {
    const before = { video: totals(100, 5, 4), audio: totals(48_000, 100, 100) };
    const after = { video: totals(150, 15, 6), audio: totals(96_000, 9700, 4420) };
    expect(delaysBetween(before, after)).toEqual({ target: 200, least: 90 });
  });
});

/** A receiver as browsers have it: it never holds back less than it must, and moves slowly. */
class Receiver {
  held = 0;
  delay: number;

  constructor(
    readonly networkMs: number,
    readonly ownMs: number,
  ) {
    this.delay = ownMs;
  }

  tick(ms: number): number {
    const wanted = Math.max(this.held, this.ownMs);
    this.delay += Math.max(-0.1 * ms, Math.min(0.1 * ms, wanted - this.delay));
    return this.networkMs + this.delay;
  }

  get buffer(): BufferDelays {
    return { target: this.delay, least: this.ownMs };
  }
}

function watch(receiver: Receiver, wanted: number | null, seconds: number, says = true) {
  const holder = new LiveHolder();
  const noise = [0, 10, 3, 13, 7];
  let asked = 0;
  for (let n = 0; n < seconds * 25; n += 1) {
    holder.add(receiver.tick(40) + noise[n % noise.length]!);
    if (n % 12 !== 0) continue;
    const before = holder.held;
    receiver.held = holder.decide(wanted, says ? receiver.buffer : null, n * 40);
    if (receiver.held !== before) asked += 1;
  }
  return { holder, asked };
}

describe('LiveHolder', () => {
  it.each([true, false])(
    'shows pictures at the age that is wanted (told of its buffer: %s)',
    (says) => {
      for (const [network, own] of [
        [2, 25],
        [80, 60],
        [150, 30],
      ] as const) {
        const { holder, asked } = watch(new Receiver(network, own), 300, 30, says);
        expect(Math.abs(holder.age! - 300), `${network} + ${own} ms`).toBeLessThan(6);
        expect(asked, 'it does not hunt').toBeLessThan(8);
      }
    },
  );

  it('knows the least age that is possible here, also while it holds back more', () => {
    for (const wanted of [null, 300]) {
      const { holder } = watch(new Receiver(80, 60), wanted, 30);
      expect(holder.least! - 140).toBeGreaterThan(0);
      expect(holder.least! - 140).toBeLessThan(30);
    }
  });

  it('asks for nothing where the least is wanted, and cannot be had sooner than it comes', () => {
    expect(watch(new Receiver(80, 60), null, 10).asked).toBe(0);
    const { holder } = watch(new Receiver(400, 60), 300, 30);
    expect(holder.held).toBe(0);
    expect(holder.age!).toBeGreaterThan(400);
  });

  it('does not take for held back what the browser does for reasons of its own', () => {
    const holder = new LiveHolder();
    for (let n = 0; n < 10; n += 1) holder.add(280);
    holder.decide(280, { target: 250, least: 25 }, 0);
    expect(holder.least).toBe(290);
  });

  it('lets go when the least is wanted again', () => {
    const holder = new LiveHolder();
    for (let n = 0; n < 10; n += 1) holder.add(50);
    expect(holder.decide(300, { target: 30, least: 30 }, 0)).toBe(280);
    for (let n = 0; n < 10; n += 1) holder.add(300);
    expect(holder.decide(null, { target: 280, least: 30 }, 10_000)).toBe(0);
  });
});
