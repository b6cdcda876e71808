import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pacer } from './pacer';

let sent: Array<[number, number]>;
let start: number;

function pacer(options: { burst?: number; perSecond?: number } = {}) {
  start = Date.now();
  return new Pacer<number>({
    send: (value) => sent.push([Date.now() - start, value]),
    now: () => Date.now(),
    ...options,
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
});

afterEach(() => vi.useRealTimers());

describe('Pacer', () => {
  it('sends the first at once and the last always, and what lies between 30 times a second', () => {
    const paced = pacer();
    for (let n = 0; n < 20; n += 1) {
      paced.push(n);
      vi.advanceTimersByTime(10);
    }
    vi.runAllTimers();
    expect(sent[0]).toEqual([0, 0]);
    expect(sent.at(-1)?.[1]).toBe(19);
    const gaps = sent.slice(1).map(([at], n) => at - sent[n]![0]);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(33);
    expect(sent).toHaveLength(7);
  });

  it('stays below the limit of the server however long somebody drags', () => {
    const paced = pacer();
    for (let n = 0; n < 1000; n += 1) {
      paced.push(n);
      vi.advanceTimersByTime(10);
    }
    // The bucket of the server: 40 at once, 20 a second.
    let tokens = 40;
    let last = 0;
    let refused = 0;
    for (const [at] of sent) {
      tokens = Math.min(40, tokens + ((at - last) / 1000) * 20) - 1;
      last = at;
      if (tokens < 0) refused += 1;
    }
    expect(refused).toBe(0);
    expect(sent.length).toBeGreaterThan(150);
  });

  it('sends nothing twice and nothing when there is nothing', () => {
    const paced = pacer();
    paced.push(1);
    vi.runAllTimers();
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([[0, 1]]);
  });

  it('forgets what waits when it is cancelled, and goes on after that', () => {
    const paced = pacer();
    paced.push(1);
    paced.push(2);
    paced.cancel();
    vi.runAllTimers();
    expect(sent.map(([, value]) => value)).toEqual([1]);
    vi.advanceTimersByTime(100);
    paced.push(3);
    expect(sent.map(([, value]) => value)).toEqual([1, 3]);
  });
});
