import { describe, expect, it } from 'vitest';
import type { Asset, AssetFile } from '../api';
import { ownAfter, ownLoad } from './own';
import type { RoomState } from './protocol';

const clip: RoomState = {
  ...{ epoch: 3, rev: 10, server_ms: 0, effective_ms: 1000, sync_mode: 'UNSYNCED', driver: null },
  ...{ asset_id: 'C1', frame: 10, fps_num: 25, fps_den: 1, frames: 250, playing: true, rate: 1 },
  ...{ loop: false, live_pts: null, live_ceiling_ms: 1000, compare: null, asset_state: null },
};

describe('ownAfter', () => {
  it('starts at once, and from the beginning where it ended', () => {
    const paused = { ...clip, playing: false };
    const started = ownAfter(paused, { op: 'PLAY', frame: 20 }, 5000);
    expect(started).toMatchObject({ playing: true, frame: 20, effective_ms: 5000, rev: 11 });
    expect(ownAfter(paused, { op: 'PLAY', frame: 249 }, 5000).frame).toBe(0);
  });

  it('changes speed where it stands', () => {
    const faster = ownAfter(clip, { op: 'RATE', rate: 2 }, 3000);
    expect(faster).toMatchObject({ frame: 60, effective_ms: 3000, rate: 2, playing: true });
  });

  it('pauses, steps and seeks to the frame', () => {
    expect(ownAfter(clip, { op: 'PAUSE', frame: 33 }, 3000)).toMatchObject({
      frame: 33,
      playing: false,
    });
    expect(ownAfter(clip, { op: 'SEEK', frame: 999 }, 3000)).toMatchObject({
      frame: 249,
      playing: true,
    });
  });
});

describe('ownLoad', () => {
  it('shows a clip at its first frame, counted from its file', () => {
    const asset = { id: 'C2', duration: 10.01 } as Asset;
    const own = ownLoad(clip, asset, { frame_rate: 23.976 } as AssetFile, 7000);
    expect(own).toMatchObject({ asset_id: 'C2', frame: 0, playing: false, effective_ms: 7000 });
    expect(own).toMatchObject({ fps_num: 24000, fps_den: 1001, frames: 240 });
  });

  it('shows a live source as it comes, and no clip without a rate', () => {
    const live = ownLoad(clip, { id: 'L1', is_live: true } as Asset, null, 7000);
    expect(live).toMatchObject({ asset_id: 'L1', fps_num: null, frames: null, playing: true });
    expect(ownLoad(clip, { id: 'C2' } as Asset, null, 7000)).toBeNull();
  });
});
