import { describe, expect, it } from 'vitest';
import type { Compare, RoomState } from '../room/protocol';
import { secondFrameAt, secondState } from './second';
import { frameAt } from './timeline';

const compare: Compare = {
  ...{ asset_id: 'C2', frames: 100, fps_num: 25, fps_den: 1 },
  ...{ layout: 'SIDE', split: 5000, offset: 0 },
};

function state(more: Partial<RoomState>, second: Partial<Compare> = {}): RoomState {
  return {
    ...{ epoch: 1, rev: 1, server_ms: 0, effective_ms: 0, sync_mode: 'HOST', driver: null },
    ...{ asset_id: 'C1', frame: 0, fps_num: 25, fps_den: 1, frames: 100, playing: true, rate: 1 },
    ...{
      loop: false,
      live_pts: null,
      live_ceiling_ms: 1000,
      asset_state: null,
      compare: { ...compare, ...second },
    },
    ...more,
  };
}

/** What a player shows that follows the second state. */
const shown = (room: RoomState, at: number) => frameAt(secondState(room, at)!, at);

describe('the second picture', () => {
  it('shows what belongs to the first at every moment', () => {
    const rooms = [
      state({}),
      state({ frame: 30, rate: 0.5 }, { offset: 7 }),
      state({ frame: 10, playing: false }, { offset: -3 }),
      state({ loop: { in: 20, out: 39 }, frame: 20 }, { offset: 5 }),
      state({ frame: 4 }, { fps_num: 50 }),
    ];
    for (const room of rooms) {
      for (let at = 20; at < 3000; at += 40) {
        expect(Math.abs(shown(room, at) - secondFrameAt(room, at)!)).toBeLessThanOrEqual(0);
      }
    }
  });

  it('stands on its first or last frame where it has no counterpart', () => {
    const early = state({}, { offset: -10 });
    expect([20, 380, 460].map((at) => shown(early, at))).toEqual([0, 0, 1]);
    expect(secondState(early, 20)?.playing).toBe(false);
    const short = state({}, { frames: 30 });
    expect([1000, 2000].map((at) => shown(short, at))).toEqual([25, 29]);
  });

  it('turns back with the first, though it is shorter', () => {
    const room = state({ loop: true }, { frames: 50 });
    expect([1000, 3000, 4400].map((at) => shown(room, at))).toEqual([25, 49, 10]);
  });

  it('is none without a comparison, or beside a live source', () => {
    expect(secondState(state({ compare: null }), 0)).toBeNull();
    expect(secondState(state({ fps_num: null }), 0)).toBeNull();
  });
});
