import type { RoomState } from '../room/protocol';
import { loopRegion, positionAt } from './timeline';

// The second picture of a comparison is bound to the first: `sessions/src/compare.rs` has the law.

/** How many frames of the second clip pass while one of the first does; null where there is none. */
function ratioOf(state: RoomState): number | null {
  const { compare, fps_num, fps_den } = state;
  if (!compare || !fps_num || !fps_den || !compare.fps_num || !compare.fps_den) return null;
  if (compare.fps_num === fps_num && compare.fps_den === fps_den) return 1;
  return (compare.fps_num * fps_den) / (compare.fps_den * fps_num);
}

/** The frame of the second clip at a moment, brought into the clip; null where there is none. */
export function secondFrameAt(state: RoomState, at: number): number | null {
  const ratio = ratioOf(state);
  if (ratio === null || !state.compare) return null;
  const frame = Math.floor(positionAt(state, at) * ratio) + state.compare.offset;
  const last = (state.compare.frames ?? Number.MAX_SAFE_INTEGER) - 1;
  return Math.min(last, Math.max(0, frame));
}

/**
 * The state of the second clip at a moment, as if a room showed it alone: what a player follows. Where the first has no
 * counterpart in the second, the second stands on its first or last frame.
 */
export function secondState(state: RoomState, at: number): RoomState | null {
  const ratio = ratioOf(state);
  const { compare } = state;
  if (ratio === null || !compare) return null;
  const counterpart = (frame: number) => Math.floor(frame * ratio) + compare.offset;
  const region = loopRegion(state);
  const second: RoomState = {
    ...state,
    asset_id: compare.asset_id,
    fps_num: compare.fps_num,
    fps_den: compare.fps_den,
    compare: null,
    frame: counterpart(state.frame),
    // It turns back with the first, also where it is shorter.
    frames: region ? null : compare.frames,
    loop: region && { in: counterpart(region.begin), out: counterpart(region.end) - 1 },
  } as RoomState;
  if (!region) second.loop = false;
  const position = positionAt(state, at) * ratio + compare.offset;
  const inside = position >= 0 && position < (compare.frames ?? Infinity);
  if (inside) return second;
  return { ...second, playing: false, frame: secondFrameAt(state, at) ?? 0 };
}
