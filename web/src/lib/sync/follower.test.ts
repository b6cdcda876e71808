import { describe, expect, it } from 'vitest';
import { Follower, keepsPitch, syncError, type Action, type Measured } from './follower';
import { frameAt, positionAt, type Timeline } from './timeline';

const clip: Timeline = {
  effective_ms: 1000,
  frame: 0,
  frames: 10_000,
  fps_num: 25,
  fps_den: 1,
  playing: true,
  rate: 1,
  loop: false,
};

function running(position: number): Measured {
  return { position, playing: true, busy: false };
}

/** A player as browsers have it: starts and seeks take time, and its speed is its own affair. */
class Player {
  position = 0.5;
  playing = false;
  rate = 1;
  jumps = 0;
  rates = 0;
  #busyUntil = -Infinity;
  #fps = 25;

  constructor(
    readonly seekMs: number,
    readonly skew = 1,
  ) {}

  measured(now: number): Measured {
    return { position: this.position, playing: this.playing, busy: now < this.#busyUntil };
  }

  tick(ms: number, now: number): void {
    if (this.playing && now >= this.#busyUntil) {
      this.position += (ms / 1000) * this.#fps * this.rate * this.skew;
    }
  }

  act(action: Action, now: number): void {
    if (action.do === 'show') {
      this.playing = false;
      if (Math.floor(this.position) !== action.frame) this.#seek(action.frame, now);
    } else if (action.do === 'play') {
      if (action.frame !== null) this.#seek(action.frame, now);
      this.playing = true;
      this.rate = action.rate;
    } else if (action.do === 'rate') {
      this.rate = action.rate;
      this.rates += 1;
    } else if (action.do === 'jump') {
      this.rate = action.rate;
      this.jumps += 1;
      this.#seek(action.frame, now);
    }
  }

  #seek(frame: number, now: number): void {
    this.position = frame + 0.5;
    this.#busyUntil = now + this.seekMs;
  }
}

/** Follows for a while and returns the errors in frames over the last `tail` milliseconds. */
function follow(
  player: Player,
  timeline: Timeline,
  from: number,
  ms: number,
  tail: number,
): number[] {
  const follower = new Follower();
  const errors: number[] = [];
  for (let now = from; now < from + ms; now += 20) {
    player.tick(20, now);
    player.act(follower.decide(timeline, player.measured(now), now), now);
    if (now >= from + ms - tail) {
      errors.push(syncError(timeline, player.measured(now), now)!.frames);
    }
  }
  return errors;
}

const worst = (errors: number[]) => Math.max(...errors.map(Math.abs));

describe('Follower', () => {
  it('shows exactly the frame of a paused room, and of one that has not begun or has ended', () => {
    const follower = new Follower();
    const show = (timeline: Timeline, now: number) => follower.decide(timeline, running(17), now);
    expect(show({ ...clip, playing: false, frame: 42 }, 5000)).toEqual({ do: 'show', frame: 42 });
    expect(show({ ...clip, frame: 7 }, 999)).toEqual({ do: 'show', frame: 7 });
    expect(show({ ...clip, frames: 100 }, 60_000)).toEqual({ do: 'show', frame: 99 });
  });

  it('starts from where it stands when that is near, and from where the room is otherwise', () => {
    const near: Measured = { position: 0.5, playing: false, busy: false };
    expect(new Follower().decide(clip, near, 1000)).toEqual({ do: 'play', rate: 1, frame: null });
    const late = new Follower().decide(clip, near, 11_000);
    expect(late).toMatchObject({ do: 'play', frame: frameAt(clip, 11_080) });
  });

  /** What it does about an error that is there for a while, in milliseconds; long after the last start. */
  function about(errorMs: number): Action[] {
    const follower = new Follower();
    return [0, 40, 80, 120].map((later) => {
      const now = 11_000 + later;
      return follower.decide(clip, running(positionAt(clip, now) + errorMs / 40), now);
    });
  }

  it('leaves a few milliseconds alone', () => {
    for (const error of [-4.5, 0, 4.5]) {
      expect(about(error)).toEqual([
        { do: 'rate', rate: 1 },
        ...Array<Action>(3).fill({ do: 'nothing' }),
      ]);
    }
  });

  it('believes an error when it stays, and changes the speed by up to 2 percent, or 5 where it is large', () => {
    const rate = (error: number) => {
      const [first, second, third, action] = about(error);
      expect([first, second, third]).toEqual([
        { do: 'rate', rate: 1 },
        { do: 'nothing' },
        { do: 'nothing' },
      ]);
      if (action?.do !== 'rate') throw new Error(action?.do);
      return action.rate;
    };
    expect(rate(6)).toBeCloseTo(0.988, 9);
    expect(rate(-6)).toBeCloseTo(1.012, 9);
    expect(rate(70)).toBeCloseTo(0.98, 9);
    expect(rate(-70)).toBeCloseTo(1.02, 9);
    expect(rate(150)).toBeCloseTo(0.95, 9);
    expect(rate(-150)).toBeCloseTo(1.05, 9);
  });

  it('does not go to and fro between keeping the pitch and letting it go', () => {
    const follower = new Follower();
    const rates = [100, 100, 100, 100, 85, 75, 40, 29, 70].map((errorMs, n) => {
      const now = 11_000 + 120 * n;
      const action = follower.decide(clip, running(positionAt(clip, now) + errorMs / 40), now);
      return action.do === 'rate' ? keepsPitch(action.rate) : null;
    });
    // The first says that it plays at its own speed, the second that what is measured is believed.
    expect(rates).toEqual([false, true, null, null, null, null, null, false, null]);
  });

  it('changes other speeds by more, at which the pitch is kept anyway', () => {
    for (const rate of [0.25, 0.5, 0.75, 2, 4]) {
      const timeline = { ...clip, rate };
      const follower = new Follower();
      const actions = [0, 40, 80, 120].map((later) => {
        const now = 11_000 + later;
        const behind = (60 * 25 * rate) / 1000;
        return follower.decide(timeline, running(positionAt(timeline, now) - behind), now);
      });
      expect(actions.at(-1)).toEqual({ do: 'rate', rate: rate * 1.05 });
    }
  });

  /** A player whose picture is held back whenever the filter for its pitch comes in, as browsers have it. */
  class Filtering extends Player {
    override act(action: Action, now: number): void {
      const before = keepsPitch(this.rate);
      super.act(action, now);
      if (keepsPitch(this.rate) && !before) this.position -= 25 / 40;
    }
  }

  it('is right soon after a start that was 30 ms late', () => {
    const player = new Filtering(5);
    player.position = 0;
    const errors = follow(player, clip, 1030, 1500, 200);
    expect(worst(errors)).toBeLessThanOrEqual(0.1);
  });

  it('jumps once after a start that was far too late, and only then', () => {
    const player = new Filtering(60);
    player.position = 0;
    const errors = follow(player, clip, 1130, 1000, 300);
    expect(player.jumps).toBe(1);
    expect(worst(errors)).toBeLessThanOrEqual(0.5);
    const later = new Filtering(60);
    later.position = positionAt(clip, 10_980) - 130 / 40;
    later.playing = true;
    follow(later, clip, 11_000, 3000, 100);
    expect(later.jumps).toBe(0);
  });

  it('jumps beyond, not more than once a second, and aims ahead', () => {
    const follower = new Follower();
    const first = follower.decide(clip, running(200), 11_000);
    expect(first).toEqual({ do: 'jump', rate: 1, frame: 252 });
    expect(follower.decide(clip, running(200), 11_500)).toEqual({ do: 'nothing' });
    expect(follower.decide(clip, running(200), 12_000).do).toBe('jump');
  });

  it('waits while the player is busy or has nothing', () => {
    const follower = new Follower();
    const busy: Measured = { position: 0, playing: true, busy: true };
    expect(follower.decide(clip, busy, 20_000)).toEqual({ do: 'nothing' });
    expect(follower.decide(clip, { ...busy, busy: false, position: null }, 20_000)).toEqual({
      do: 'nothing',
    });
  });

  it('has nothing to do with a live source', () => {
    const live: Timeline = { ...clip, fps_num: null, fps_den: null, frames: null };
    expect(new Follower().decide(live, running(3), 5000)).toEqual({ do: 'nothing' });
    expect(syncError(live, running(3), 5000)).toBeNull();
  });

  it.each([
    { seekMs: 5, skew: 1 },
    { seekMs: 120, skew: 1.0005 },
    { seekMs: 700, skew: 0.999 },
  ])('brings a latecomer in and keeps them there ($seekMs ms a seek, skew $skew)', (network) => {
    const player = new Player(network.seekMs, network.skew);
    const errors = follow(player, clip, 31_000, 30_000, 15_000);
    expect(worst(errors)).toBeLessThanOrEqual(0.2);
    expect(player.jumps).toBeLessThanOrEqual(3);
    expect(player.rates).toBeLessThan(60);
  });

  it('settles closer than it leaves alone, after a start', () => {
    const player = new Player(5);
    const errors = follow(player, clip, 1000, 8000, 2000);
    expect(worst(errors)).toBeLessThanOrEqual(0.05);
    expect(player.jumps).toBe(0);
  });

  it('follows at other speeds', () => {
    for (const rate of [0.25, 2, 4]) {
      const errors = follow(new Player(60), { ...clip, rate }, 3000, 20_000, 5000);
      expect(worst(errors)).toBeLessThanOrEqual(1);
    }
  });

  it('follows a loop round and round', () => {
    const timeline: Timeline = { ...clip, loop: { in: 50, out: 149 } };
    const player = new Player(40);
    const errors = follow(player, timeline, 1000, 40_000, 20_000);
    const right = errors.filter((error) => Math.abs(error) <= 1).length;
    expect(right / errors.length).toBeGreaterThan(0.97);
    expect(player.jumps).toBeGreaterThan(7);
    expect(player.jumps).toBeLessThan(20);
  });

  it('does not hunt: a steady player is left in peace', () => {
    const player = new Player(5);
    player.position = positionAt(clip, 4980);
    player.playing = true;
    follow(player, clip, 5000, 60_000, 1000);
    expect(player.jumps).toBe(0);
    expect(player.rates).toBe(1);
  });

  it('does not answer a frame that came late, nor the noise of the refreshes', () => {
    const follower = new Follower();
    const actions: Action[] = [];
    for (let n = 0; n < 1000; n += 1) {
      const now = 11_000 + 40 * n;
      // Up to 4 ms either way all the time, and 30 ms now and then.
      const error = n % 50 === 25 ? 30 : ((n * 37) % 9) - 4;
      actions.push(follower.decide(clip, running(positionAt(clip, now) + error / 40), now));
    }
    expect(actions.filter((action) => action.do !== 'nothing')).toEqual([{ do: 'rate', rate: 1 }]);
  });
});

describe('syncError', () => {
  it('compares a standing picture by its frame and a moving one by its place', () => {
    const paused = { ...clip, playing: false, frame: 10 };
    expect(syncError(paused, { position: 10.9 }, 0)).toEqual({ frames: 0, ms: 0 });
    expect(syncError(paused, { position: 12.5 }, 0)).toEqual({ frames: 2, ms: 80 });
    const moving = syncError(clip, { position: 24.5 }, 2000)!;
    expect(moving.frames).toBeCloseTo(-0.5, 9);
    expect(moving.ms).toBeCloseTo(-20, 9);
  });
});
