// The law of position: which frame is shown at which moment. The server computes the same
// (`sessions/src/timeline.rs`), operation for operation, so that both arrive at the same double;
// `sessions/tests/vectors.json` is read by the tests of both.

/** Where a playing clip turns back: nowhere, at its end, or after the frame `out` to the frame `in` (both are shown). */
export type Loop = boolean | { in: number; out: number };

/** The part of a room's state that decides the frame. Times are milliseconds on the server's clock. */
export interface Timeline {
  /** When `frame` is shown; until then it is held. */
  effective_ms: number;
  frame: number;
  /** How many frames the clip has; null where that is not known, and for a live source. */
  frames: number | null;
  /** Null for a live source, which has no position. */
  fps_num: number | null;
  fps_den: number | null;
  playing: boolean;
  rate: number;
  loop: Loop;
}

/** The loop that applies: the first position in it and the first after it. A start behind it is not drawn into it. */
export function loopRegion(timeline: Timeline): { begin: number; end: number } | null {
  const { loop, frames } = timeline;
  if (loop === false) return null;
  const begin = loop === true ? 0 : loop.in;
  const end = loop === true ? frames : Math.min(frames ?? Infinity, loop.out + 1);
  if (end === null || begin >= end || timeline.frame >= end) return null;
  return { begin, end };
}

/** A position brought into the clip. */
export function clampPosition(timeline: Timeline, position: number): number {
  const within = timeline.frames === null ? position : Math.min(position, timeline.frames - 1);
  return Math.max(within, 0);
}

/**
 * The position in frames with its fraction. Before `effective_ms`, and while paused, it is `frame`. It wraps in the
 * loop, and stops at the start of the last frame without one.
 */
export function positionAt(timeline: Timeline, at: number): number {
  const { fps_num, fps_den } = timeline;
  if (fps_num === null || fps_den === null) return timeline.frame;
  if (!timeline.playing || at <= timeline.effective_ms) {
    return clampPosition(timeline, timeline.frame);
  }
  const perSecond = fps_num * timeline.rate;
  const moved = ((at - timeline.effective_ms) * perSecond) / (1000 * fps_den);
  const position = timeline.frame + moved;
  const region = loopRegion(timeline);
  if (!region) return clampPosition(timeline, position);
  if (position < region.end) return position;
  return region.begin + ((position - region.begin) % (region.end - region.begin));
}

/** The frame that is shown. */
export function frameAt(timeline: Timeline, at: number): number {
  const frame = Math.floor(positionAt(timeline, at));
  const region = timeline.playing ? loopRegion(timeline) : null;
  // The remainder may round up to the first position after the loop.
  return region ? Math.min(frame, region.end - 1) : frame;
}

/** Whether the clip has been played to its last frame, which now stands there. */
export function endedAt(timeline: Timeline, at: number): boolean {
  const { frames, fps_num, playing } = timeline;
  if (frames === null || fps_num === null || !playing || loopRegion(timeline)) return false;
  return positionAt(timeline, at) >= frames - 1;
}

/** Whether the picture moves: it plays, its moment has come, and it has not reached the end. */
export function movesAt(timeline: Timeline, at: number): boolean {
  return (
    timeline.playing &&
    timeline.fps_num !== null &&
    at >= timeline.effective_ms &&
    !endedAt(timeline, at)
  );
}

/** How long one frame stands while it plays, in milliseconds; null for a live source. */
export function frameMs(timeline: Timeline): number | null {
  const { fps_num, fps_den } = timeline;
  return fps_num === null || fps_den === null ? null : (1000 * fps_den) / (fps_num * timeline.rate);
}

/** Where to seek so that `frame` is decoded whatever the rounding: its middle, in seconds. */
export function seekSeconds(timeline: Timeline, frame: number): number | null {
  const { fps_num, fps_den } = timeline;
  return fps_num === null || fps_den === null ? null : ((frame + 0.5) * fps_den) / fps_num;
}
