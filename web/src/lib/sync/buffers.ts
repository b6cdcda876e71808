// What a browser's statistics say of the buffers that a live source goes through.

/** What a jitter buffer does on average, in milliseconds. */
export interface BufferDelays {
  /** What its track was really held back by; it follows what is aimed at slowly, and the sound's not exactly. */
  delay: number;
  /** What it aims at. */
  target: number;
  /** What that would be, if nobody asked for more: by the track's own network, and neither for the other track nor for a room. */
  least: number;
}

/** Of `RTCInboundRtpStreamStats`, in seconds but for the last. */
export interface BufferTotals {
  jitterBufferDelay?: number;
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
  const { jitterBufferTargetDelay: target, jitterBufferMinimumDelay: least } = after;
  if (emitted <= 0 || target === undefined || least === undefined) return null;
  const average = (now: number, then = 0) => ((now - then) / emitted) * 1000;
  return {
    delay: average(after.jitterBufferDelay ?? 0, before.jitterBufferDelay),
    target: average(target, before.jitterBufferTargetDelay),
    least: average(least, before.jitterBufferMinimumDelay),
  };
}
