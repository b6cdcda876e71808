import type { Op, RoomState } from './protocol';

/**
 * What a state will be once the room has carried a command out, as far as its sender can know: it is shown at once,
 * so that a frame stands still in the moment it is told to, and replaced by the room's own answer.
 * A start has no prediction but that it will come: its moment is the room's to name.
 */
export function predict(state: RoomState, op: Op, serverNow: number): RoomState {
  const at = { ...state, effective_ms: serverNow };
  switch (op.op) {
    case 'PAUSE':
      return isLive(state) ? { ...at, playing: false } : { ...at, ...stand(state, op.frame) };
    case 'STEP':
      return isLive(state) ? state : { ...at, ...stand(state, op.frame) };
    case 'SEEK':
      return isLive(state) ? state : { ...at, frame: clamp(state, op.frame) };
    case 'PLAY':
      if (isLive(state)) return { ...at, playing: true };
      return {
        ...state,
        playing: true,
        frame: clamp(state, op.frame),
        effective_ms: Number.POSITIVE_INFINITY,
      };
    case 'COMPARE': {
      const { asset_id, op: _, ...more } = op;
      if (asset_id === null) return { ...state, compare: null };
      // Of a clip that is not here yet nothing is known.
      if (state.compare?.asset_id !== asset_id) return state;
      return { ...state, compare: { ...state.compare, ...more } };
    }
    case 'LOOP':
      return { ...state, loop: op.loop };
    default:
      return state;
  }
}

export function isLive(state: RoomState): boolean {
  return state.asset_id !== null && state.fps_num === null;
}

function stand(state: RoomState, frame: number): Pick<RoomState, 'frame' | 'playing'> {
  return { frame: clamp(state, frame), playing: false };
}

export function clamp(state: RoomState, frame: number): number {
  const last = state.frames === null ? Number.MAX_SAFE_INTEGER : Math.max(0, state.frames - 1);
  return Math.min(last, Math.max(0, Math.floor(frame)));
}
