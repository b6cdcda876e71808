import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClipSource, ShownFrame } from '../lib/clipPlayer';
import type { RoomState } from '../lib/room/protocol';
import { ClipFollower, type FollowingPlayer } from './clipFollower';

/** A player in virtual time whose starts and seeks take as long as the test says. */
class FakePlayer implements FollowingPlayer {
  source: ClipSource | null = { url: '', rate: { num: 25, den: 1 }, frames: 250 };
  shown: ShownFrame | null = { frame: 0, mediaTime: 0, at: 0 };
  buffering = false;
  playing = false;
  rate = 1;
  startMs = 60;
  seekMs = 60;
  calls: string[] = [];
  #from = 0;
  #at = 0;

  get busy() {
    return this.buffering || performance.now() < this.#at;
  }
  positionAt(at: number) {
    if (!this.playing) return (this.shown?.frame ?? 0) + 0.5;
    return at < this.#at ? null : this.#from + ((at - this.#at) * 25 * this.rate) / 1000;
  }
  show(frame: number) {
    this.calls.push(`show ${frame}`);
    this.playing = false;
    this.rate = 1;
    this.shown = { frame, mediaTime: 0, at: 0 };
  }
  play(rate: number, from: number | null = null) {
    this.calls.push(from === null ? `play ${rate}` : `play ${rate} jump ${from}`);
    this.#from = from ?? this.shown?.frame ?? 0;
    this.#at = performance.now() + this.startMs;
    this.rate = rate;
    this.playing = true;
  }
  jump(frame: number) {
    this.calls.push(`jump ${frame}`);
    this.#from = frame;
    this.#at = performance.now() + this.seekMs;
  }
  setRate(rate: number) {
    const now = performance.now();
    this.#from = this.positionAt(now) ?? this.#from;
    this.#at = Math.max(now, this.#at);
    this.rate = rate;
  }
}

const OFFSET = 1_000_000;
let player: FakePlayer;
let follower: ClipFollower;

function state(more: Partial<RoomState>): RoomState {
  return {
    ...{ epoch: 1, rev: 1, server_ms: 0, effective_ms: OFFSET, sync_mode: 'HOST', driver: null },
    ...{ asset_id: 'C1', frame: 0, fps_num: 25, fps_den: 1, frames: 250, playing: false, rate: 1 },
    ...{ loop: false, live_pts: null, live_ceiling_ms: 1000, compare: null, asset_state: null },
    ...more,
  };
}

/** Lets time pass the way a page does: a look at things with every frame. */
function pass(ms: number) {
  for (let passed = 0; passed < ms; passed += 20) {
    vi.advanceTimersByTime(20);
    follower.tick();
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  player = new FakePlayer();
  follower = new ClipFollower({ player, serverAt: (at) => at + OFFSET });
});

afterEach(() => {
  follower.stop();
  vi.useRealTimers();
});

const serverNow = () => performance.now() + OFFSET;

describe('ClipFollower', () => {
  it('shows the frame of a paused room exactly, and says so', () => {
    follower.follow(state({ frame: 30 }));
    expect(player.calls).toEqual(['show 30']);
    expect(follower.status).toEqual({ kind: 'exact', error: { frames: 0, ms: 0 } });
  });

  it('holds the first frame until its moment, then plays', () => {
    follower.follow(state({ playing: true, effective_ms: serverNow() + 200 }));
    vi.advanceTimersByTime(150);
    expect(player.playing).toBe(false);
    vi.advanceTimersByTime(30);
    expect(player.playing).toBe(true);
    pass(2000);
    expect(follower.status.kind).toBe('synced');
    expect(Math.abs(follower.status.error!.frames)).toBeLessThan(0.5);
  });

  it('learns how long a start takes, and starts that much earlier', () => {
    let first = 0;
    for (let n = 0; n < 8; n += 1) {
      follower.follow(state({ rev: 2 * n, effective_ms: serverNow() }));
      follower.follow(state({ rev: 2 * n + 1, playing: true, effective_ms: serverNow() + 300 }));
      pass(400);
      const error = Math.abs(follower.status.error!.ms);
      if (n === 0) first = error;
      else if (n === 7) expect(error).toBeLessThan(5);
    }
    expect(first).toBeGreaterThan(20);
  });

  it('does not stop a start that it made ahead of its moment', () => {
    follower.follow(state({ playing: true, effective_ms: serverNow() + 200 }));
    vi.advanceTimersByTime(175);
    for (let n = 0; n < 10; n += 1) follower.tick();
    expect(player.calls.filter((call) => call.startsWith('play'))).toHaveLength(1);
    expect(player.playing).toBe(true);
  });

  it('goes on playing through a change of speed at the next frame', () => {
    follower.follow(state({ playing: true, effective_ms: serverNow() }));
    pass(1000);
    player.calls = [];
    follower.follow(
      state({ rev: 2, playing: true, frame: 26, effective_ms: serverNow() + 30, rate: 2 }),
    );
    pass(1500);
    expect(player.calls.filter((call) => call.startsWith('show'))).toEqual([]);
    expect(player.rate).toBeGreaterThan(1.8);
    expect(Math.abs(follower.status.error!.frames)).toBeLessThan(0.6);
  });

  it('brings a latecomer to where the room is', () => {
    follower.follow(state({ playing: true, effective_ms: serverNow() - 4000 }));
    pass(3000);
    expect(follower.status.kind).toBe('synced');
    expect(player.calls.filter((call) => call.includes('jump')).length).toBeLessThanOrEqual(2);
  });

  it('stands on the last frame at the end', () => {
    follower.follow(state({ playing: true, frame: 240, effective_ms: serverNow() }));
    pass(1000);
    expect(player.playing).toBe(false);
    expect(player.shown?.frame).toBe(249);
    expect(follower.status.kind).toBe('exact');
  });

  it('asks a browser that swallowed the start again, but not all the time', () => {
    player.play = (rate) => void player.calls.push(`play ${rate}`);
    follower.follow(state({ playing: true, effective_ms: serverNow() }));
    pass(2000);
    const plays = player.calls.filter((call) => call.startsWith('play')).length;
    expect(plays).toBeGreaterThanOrEqual(3);
    expect(plays).toBeLessThanOrEqual(5);
  });

  it('says that it waits for data, and nothing about what it cannot measure', () => {
    expect(follower.status).toEqual({ kind: 'waiting', error: null });
    follower.follow(state({ playing: true, effective_ms: serverNow() }));
    player.buffering = true;
    expect(follower.status.kind).toBe('buffering');
  });
});

describe('the turn of a loop', () => {
  /** A player with a second video that is ready when the test says so. */
  class Twin extends FakePlayer {
    ready = true;
    wanted: number | null = null;
    turns: Array<[what: string, at: number]> = [];
    prepareTurn(frame: number | null) {
      this.wanted = frame;
      return frame !== null && this.ready;
    }
    startTurn() {
      this.turns.push(['start', serverNow()]);
    }
    finishTurn() {
      this.turns.push(['finish', serverNow()]);
      const from = this.wanted ?? 0;
      this.jump(from);
      this.calls.pop();
    }
    cancelTurn() {
      this.turns.push(['cancel', serverNow()]);
    }
  }
  let twin: Twin;

  beforeEach(() => {
    twin = new Twin();
    twin.startMs = twin.seekMs = 0;
    twin.shown = { frame: 10, mediaTime: 0.4, at: 0 };
    player = twin;
    follower = new ClipFollower({ player, serverAt: (at) => at + OFFSET });
  });

  const looped = (more: Partial<RoomState> = {}) =>
    state({
      playing: true,
      frame: 10,
      effective_ms: serverNow(),
      loop: { in: 10, out: 34 },
      ...more,
    });

  it('is made by the second video, which starts a moment before', () => {
    const begin = serverNow();
    follower.follow(looped());
    pass(2500);
    const at = twin.turns.map(([what, when]) => [what, Math.round(when - begin)]);
    expect(at.filter(([what]) => what === 'finish')).toEqual([
      ['finish', 1000],
      ['finish', 2000],
    ]);
    const starts = at.filter(([what]) => what === 'start').map(([, when]) => Number(when));
    for (const [n, start] of starts.entries()) {
      expect(1000 * (n + 1) - start).toBeGreaterThanOrEqual(0);
      expect(1000 * (n + 1) - start).toBeLessThanOrEqual(31);
    }
    expect(player.calls.filter((call) => call.includes('jump'))).toEqual([]);
  });

  it('is a jump as ever where the second video is not ready, or the loop is too short for it', () => {
    twin.ready = false;
    follower.follow(looped());
    pass(1400);
    expect(twin.turns).toEqual([]);
    expect(player.calls.some((call) => call.includes('jump'))).toBe(true);
    twin.ready = true;
    follower.follow(looped({ rev: 2, loop: { in: 10, out: 15 } }));
    pass(1000);
    expect([twin.turns, twin.wanted]).toEqual([[], null]);
  });

  it('is called off when the room does something else', () => {
    follower.follow(looped());
    pass(960);
    vi.advanceTimersByTime(25);
    expect(twin.turns.map(([what]) => what)).toEqual(['start']);
    follower.follow(state({ rev: 2, frame: 20 }));
    pass(200);
    expect(twin.turns.map(([what]) => what)).toEqual(['start', 'cancel']);
  });
});
