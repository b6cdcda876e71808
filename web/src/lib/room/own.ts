import type { Asset, AssetFile } from '../api';
import { isSource } from '../sources';
import { frameAt } from '../sync';
import { exactRate } from '../timecode';
import { isLive, predict } from './predict';
import type { Op, RoomState } from './protocol';

// In UNSYNCED nobody drives anybody: each has a state of their own, and these are the rules by which it changes.

/** What a person's own state becomes when they play, pause, step, seek, or change speed or loop. */
export function ownAfter(state: RoomState, op: Op, now: number): RoomState {
  const next = { ...predict(state, op, now), rev: state.rev + 1 };
  if (op.op === 'PLAY' && !isLive(state)) {
    const atEnd = !state.loop && state.frames !== null && op.frame >= state.frames - 1;
    return { ...next, frame: atEnd ? 0 : next.frame, effective_ms: now };
  }
  if (op.op === 'RATE' || op.op === 'LOOP') {
    const rate = op.op === 'RATE' ? op.rate : state.rate;
    return { ...next, frame: frameAt(state, now), effective_ms: now, rate };
  }
  return next;
}

/** What it becomes when they choose something else to look at; null if it cannot be played by frames. */
export function ownLoad(
  state: RoomState,
  asset: Asset,
  file: AssetFile | null,
  now: number,
): RoomState | null {
  const own = {
    ...state,
    asset_id: asset.id,
    frame: 0,
    rate: 1,
    loop: false,
    compare: null,
  } satisfies RoomState;
  const next = { ...own, rev: state.rev + 1, effective_ms: now };
  if (isSource(asset))
    return { ...next, fps_num: null, fps_den: null, frames: null, playing: true };
  const rate = exactRate(file?.frame_rate ?? 0);
  if (!rate) return null;
  const frames = asset.duration ? Math.round((asset.duration * rate.num) / rate.den) : null;
  return { ...next, fps_num: rate.num, fps_den: rate.den, frames, playing: false };
}
