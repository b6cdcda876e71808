// What a browser's statistics say of the buffers that a live source goes through.

/** What a jitter buffer does on average, in milliseconds. */
export interface BufferDelays {
  /** What it holds its track back by. */
  target: number;
  /** What that would be, if nobody asked for more: by the track's own network, and neither for the other track nor for a room. */
  least: number;
}

/** Of `RTCInboundRtpStreamStats`, in seconds but for the last. */
export interface BufferTotals {
  jitterBufferTargetDelay?: number;
  jitterBufferMinimumDelay?: number;
  jitterBufferEmittedCount?: number;
  /** When what is shown or heard now was captured, on the sender's clock, in milliseconds. */
  estimatedPlayoutTimestamp?: number;
}

/** The totals of the picture, and of its sound where there is one. */
export interface LiveTotals {
  video: BufferTotals;
  audio: BufferTotals | null;
}

/** What the browser does with a live source. */
export interface LiveDelays {
  picture: BufferDelays;
  /** Null where nothing is heard. */
  sound: BufferDelays | null;
  /** How much later sound is heard than its picture is seen, in milliseconds; null where the browser does not say. */
  soundBehind: number | null;
}

/** The averages between two looks at the totals; null where the browser does not say. */
export function delaysBetween(before: LiveTotals, after: LiveTotals): LiveDelays | null {
  const picture = between(before.video, after.video);
  if (!picture) return null;
  const sound = before.audio && after.audio ? between(before.audio, after.audio) : null;
  const [seen, heard] = [after.video, after.audio].map(
    (totals) => totals?.estimatedPlayoutTimestamp,
  );
  const known = sound !== null && seen !== undefined && heard !== undefined;
  return { picture, sound, soundBehind: known ? seen - heard : null };
}

function between(before: BufferTotals, after: BufferTotals): BufferDelays | null {
  const emitted = (after.jitterBufferEmittedCount ?? 0) - (before.jitterBufferEmittedCount ?? 0);
  const [target, targetBefore] = [after.jitterBufferTargetDelay, before.jitterBufferTargetDelay];
  const [least, leastBefore] = [after.jitterBufferMinimumDelay, before.jitterBufferMinimumDelay];
  if (emitted <= 0 || target === undefined || least === undefined) return null;
  return {
    target: ((target - (targetBefore ?? 0)) / emitted) * 1000,
    least: ((least - (leastBefore ?? 0)) / emitted) * 1000,
  };
}
