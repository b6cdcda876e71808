import { describe, expect, it } from 'vitest';
import type { LiveDelays } from './buffers';
import { ageMs, LiveHolder, type Held } from './live';
import { SimulatedBrowser, type Way } from './simulatedBrowser';

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

  get delays(): LiveDelays {
    const picture = { delay: this.delay, target: this.delay, least: this.ownMs };
    return { picture, sound: null, soundBehind: null };
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
    const held = holder.decide(wanted, says ? receiver.delays : null, n * 40);
    receiver.held = held.picture;
    if (held !== before) asked += 1;
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

  it('asks for nothing else where the refreshes of the screen fall half of one earlier or later', () => {
    const receiver = new Receiver(80, 60);
    const { holder } = watch(receiver, 300, 30);
    const held = holder.held;
    for (let second = 0; second < 60; second += 1) {
      const drift = second % 2 === 0 ? 8 : -8;
      for (let n = 0; n < 25; n += 1) holder.add(300 + drift);
      expect(holder.decide(300, receiver.delays, 40_000 + 1000 * second)).toBe(held);
    }
  });

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
    expect(holder.held.picture).toBe(0);
    expect(holder.age!).toBeGreaterThan(400);
  });

  it('lets go when the least is wanted again', () => {
    const holder = new LiveHolder();
    for (let n = 0; n < 10; n += 1) holder.add(50);
    const silent = { sound: null, soundBehind: null };
    const held = holder.decide(
      300,
      { picture: { delay: 30, target: 30, least: 30 }, ...silent },
      0,
    );
    expect(held.picture).toBe(280);
    for (let n = 0; n < 10; n += 1) holder.add(300);
    const gone = holder.decide(
      null,
      { picture: { delay: 280, target: 280, least: 30 }, ...silent },
      10_000,
    );
    // What lies below the buffer's own delay is all the same to it.
    expect(gone.picture).toBeLessThanOrEqual(30);
  });
});

/** What decides about a source, however it does. */
interface Decides {
  readonly least: number | null;
  add(age: number): void;
  decide(wanted: number | null, delays: LiveDelays | null, now: number): Held;
}

/** What was seen and heard while a room watched, once a second, in milliseconds. */
interface Second {
  age: number;
  wanted: number | null;
  /** How much later the sound was than its picture. */
  behind: number;
}

/** A room that waits for one browser only, or for nobody. */
function inRoom(browser: SimulatedBrowser, holder: Decides, seconds: number, together = true) {
  const record: Second[] = [];
  let [wanted, shorterFor]: [number | null, number] = [null, 0];
  for (let n = 0; n < seconds * 25; n += 1) {
    holder.add(browser.tick(40));
    if (n % 12 === 0) browser.asked = holder.decide(wanted, browser.delays, n * 40);
    if (n % 25 !== 24) continue;
    record.push({
      age: browser.pictureAge,
      wanted,
      behind: browser.soundAge - browser.pictureAge,
    });
    if (!together || holder.least === null) continue;
    // As the server has it: longer at once, shorter when that could have been for ten seconds.
    const need = Math.ceil(holder.least / 10) * 10;
    shorterFor = wanted !== null && need <= wanted - 30 ? shorterFor + 1 : 0;
    if (wanted === null || need > wanted || shorterFor > 10) wanted = need;
  }
  return record;
}

/** AAC over SRT: muxers bundle it, and the server makes Opus of it. */
const LATE_SOUND: Way = { picture: 15, pictureLeast: 20, sound: 120, soundLeast: 60, output: 30 };
const EARLY_SOUND: Way = { picture: 90, pictureLeast: 70, sound: 5, soundLeast: 40, output: 30 };
const NEEDS = 210;

/** The rule that did not come to an end: one delay for both, and what the browser holds back taken for the picture's need. */
class OneDelay implements Decides {
  readonly #now = new LiveHolder();
  #held = 0;
  least: number | null = null;

  add(age: number): void {
    this.#now.add(age);
  }

  decide(wanted: number | null, delays: LiveDelays, _now: number): Held {
    const { target, least } = delays.picture;
    const age = this.#now.age;
    if (age !== null) {
      const own = target <= this.#held + 15 ? Math.max(0, target - least) : 0;
      this.least = Math.max(this.least ?? 0, age - own + 10);
      const off = (wanted ?? age) - age;
      if (Math.abs(off) > 6) this.#held = Math.max(0, Math.max(target, this.#held) + off);
    }
    return { picture: this.#held, sound: this.#held };
  }
}

describe('a sound that is later than its picture', () => {
  it('went ever farther away by one delay for both', () => {
    const record = inRoom(new SimulatedBrowser(LATE_SOUND), new OneDelay(), 60);
    expect(record[59]!.wanted! - record[29]!.wanted!).toBeGreaterThan(200);
    expect(record[59]!.behind, 'and never came into step').toBeGreaterThan(60);
  });

  it.each([true, false])('is in step within ten seconds and stays (together: %s)', (together) => {
    const holder = new LiveHolder();
    const record = inRoom(new SimulatedBrowser(LATE_SOUND), holder, 300, together);
    for (const [n, { behind, age }] of record.entries()) {
      if (n < 10) continue;
      expect(Math.abs(behind), `in second ${n}`).toBeLessThan(30);
      expect(age, `in second ${n}`).toBeLessThan(NEEDS + 60);
    }
    expect(Math.abs(holder.least! - NEEDS)).toBeLessThan(50);
  });

  it('is held back with its picture where the room waits for somebody else', () => {
    const browser = new SimulatedBrowser(LATE_SOUND);
    const holder = new LiveHolder();
    for (let n = 0; n < 15 * 25; n += 1) {
      holder.add(browser.tick(40));
      if (n % 12 === 0) browser.asked = holder.decide(600, browser.delays, n * 40);
    }
    expect(Math.abs(browser.pictureAge - 600)).toBeLessThan(20);
    expect(Math.abs(browser.soundAge - 600)).toBeLessThan(20);
    expect(Math.abs(holder.least! - NEEDS)).toBeLessThan(40);
  });

  it('keeps its picture with it where the room does not wait for this client', () => {
    const browser = new SimulatedBrowser(LATE_SOUND);
    const holder = new LiveHolder();
    for (let n = 0; n < 15 * 25; n += 1) {
      holder.add(browser.tick(40));
      if (n % 12 === 0) browser.asked = holder.decide(100, browser.delays, n * 40);
    }
    expect(Math.abs(browser.soundAge - browser.pictureAge)).toBeLessThan(20);
    expect(browser.pictureAge).toBeLessThan(NEEDS + 40);
  });

  it('moves nothing while it is missing for a moment, and no longer counts when it stays away', () => {
    const browser = new SimulatedBrowser(LATE_SOUND);
    const holder = new LiveHolder();
    inRoom(browser, holder, 15, false);
    const held = holder.held;
    expect(held.picture).toBeGreaterThan(100);
    const quiet = { ...browser.delays, sound: null, soundBehind: null };
    const look = (n: number) => {
      for (let frame = 0; frame < 12; frame += 1) holder.add(browser.pictureAge);
      return holder.decide(null, quiet, 20_000 + 500 * n);
    };
    for (let n = 0; n < 10; n += 1) expect(look(n), `look ${n}`).toBe(held);
    look(10);
    expect(holder.held.picture).toBeLessThanOrEqual(LATE_SOUND.pictureLeast);
  });

  it('comes to an end also where the browser does not say how far it is behind', () => {
    const silent = new SimulatedBrowser(LATE_SOUND);
    const holder = new LiveHolder();
    const unsaid: Decides = {
      get least() {
        return holder.least;
      },
      add: (age) => holder.add(age),
      decide: (wanted, delays, now) =>
        holder.decide(wanted, delays && { ...delays, soundBehind: null }, now),
    };
    const record = inRoom(silent, unsaid, 300);
    expect(record.at(-1)!.wanted!).toBeLessThan(NEEDS + 80);
    expect(Math.abs(record.at(-1)!.behind)).toBeLessThan(40);
  });
});

describe('a sound that is earlier than its picture', () => {
  it.each([true, false])('is held back for it (together: %s)', (together) => {
    const holder = new LiveHolder();
    const record = inRoom(new SimulatedBrowser(EARLY_SOUND), holder, 120, together);
    for (const { behind, age } of record.slice(10)) {
      expect(Math.abs(behind)).toBeLessThan(30);
      expect(age).toBeLessThan(160 + 40);
    }
  });
});
