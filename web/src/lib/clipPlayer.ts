import { keepsPitch } from './sync';
import { frameAt, frameCentre, type FrameRate } from './timecode';

/** A clip that can be played: where its file is, and how its frames are counted. */
export interface ClipSource {
  url: string;
  rate: FrameRate;
  /** The number of frames; null while it is not known. */
  frames: number | null;
}

/** A frame that really reached the screen. */
export interface ShownFrame {
  frame: number;
  /** The presentation time of the frame in the media, in seconds. */
  mediaTime: number;
  /** When it is or was on the screen, on the clock of `performance.now()`, in milliseconds. */
  at: number;
}

export interface ClipPlayerEvents {
  /** Every frame that reaches the screen. */
  onFrame?: (shown: ShownFrame) => void;
  /** The browser does not let sound start before the person has touched the page; it plays muted now. */
  onMuted?: () => void;
  /** True while it waits for data; false when it can go on. */
  onBuffering?: (buffering: boolean) => void;
  /** The file cannot be loaded or decoded. Loading again with a fresh address may help. */
  onError?: (message: string) => void;
}

/** What this module needs of a `<video>`, so that tests can stand in for it. */
export type VideoLike = Pick<
  HTMLVideoElement,
  | 'src'
  | 'currentTime'
  | 'playbackRate'
  | 'preservesPitch'
  | 'muted'
  | 'ended'
  | 'paused'
  | 'seeking'
  | 'readyState'
  | 'error'
  | 'play'
  | 'pause'
  | 'load'
  | 'removeAttribute'
  | 'addEventListener'
  | 'removeEventListener'
  | 'requestVideoFrameCallback'
  | 'cancelVideoFrameCallback'
>;

const HAVE_METADATA = 1;
/** Frames on the screen that say together where a playing clip stands; one alone may have come a little late. */
const MEDIAN_OF = 5;
/** With fewer a start or a seek is not over yet: its first frame may stand while the sound gets ready. */
const LEAST_OF = 3;
/** A frame reaches the screen at the next refresh after its moment: half of one late, at 60 Hz. */
const HALF_REFRESH_MS = 1000 / 120;
/** Seeks to the same frame that may go wrong before it is left as it is. */
const MOST_CORRECTIONS = 3;

/** A frame as it would have been shown if it had led to the present place at the speed that holds from now on. */
function bent(shown: ShownFrame, changed: number, now: number): ShownFrame {
  const since = now - shown.at + HALF_REFRESH_MS;
  return { ...shown, at: now + HALF_REFRESH_MS - since * changed };
}

/**
 * Plays a clip to the frame: shows exact frames while paused, measures by `requestVideoFrameCallback` which frame
 * is really on the screen, and takes corrections of its rate while it plays. It decides nothing about when.
 */
export class ClipPlayer {
  readonly #video: VideoLike;
  readonly #events: ClipPlayerEvents;
  #source: ClipSource | null = null;
  #shown: ShownFrame | null = null;
  /** The last frames that were shown without a break in the playing. */
  #run: ShownFrame[] = [];
  /** The frame that is to be shown while paused; null while playing. */
  #still: number | null = null;
  /** A seek that waits for the one under way; the latest wins. */
  #next: number | null = null;
  #corrections = 0;
  #buffering = false;
  #callback = 0;
  readonly #listeners: Array<[string, () => void]>;

  constructor(video: VideoLike, events: ClipPlayerEvents = {}) {
    this.#video = video;
    this.#events = events;
    this.#listeners = [
      ['seeked', () => this.#seeked()],
      ['loadedmetadata', () => this.#loaded()],
      ['waiting', () => this.#setBuffering(true)],
      ['playing', () => this.#setBuffering(false)],
      ['canplay', () => this.#setBuffering(false)],
      ['error', () => this.#failed()],
    ];
    for (const [name, listener] of this.#listeners) video.addEventListener(name, listener);
    this.#watch();
  }

  get source(): ClipSource | null {
    return this.#source;
  }

  /** The last frame that reached the screen; null before the first of this clip. */
  get shown(): ShownFrame | null {
    return this.#shown;
  }

  get buffering(): boolean {
    return this.#buffering;
  }

  /** Whether a seek is under way, or it waits for data. */
  get busy(): boolean {
    return this.#buffering || this.#video.seeking || this.#video.readyState < HAVE_METADATA;
  }

  get playing(): boolean {
    return this.#still === null && !this.#video.paused;
  }

  /** Takes another clip, paused at `frame`. The same clip under a fresh address keeps its place. */
  load(source: ClipSource, frame = 0): void {
    this.#source = source;
    this.#shown = null;
    this.#run = [];
    this.#next = null;
    this.#corrections = 0;
    this.#still = this.#clamp(frame);
    this.#video.pause();
    this.#video.src = source.url;
    this.#video.load();
    this.#setBuffering(true);
  }

  unload(): void {
    this.#source = null;
    this.#shown = null;
    this.#next = null;
    this.#still = null;
    this.#video.pause();
    this.#video.removeAttribute('src');
    this.#video.load();
    this.#setBuffering(false);
  }

  /** Pauses and shows exactly this frame. */
  show(frame: number): void {
    if (!this.#source) return;
    const target = this.#clamp(frame);
    if (!this.#video.paused) this.#video.pause();
    this.#video.playbackRate = 1;
    if (this.#still === target && (this.#isShown(target) || this.#video.seeking)) return;
    this.#still = target;
    this.#corrections = 0;
    if (!this.#isShown(target) || this.#video.seeking) this.#seek(target);
  }

  /** Jumps while playing; playing goes on from there. */
  jump(frame: number): void {
    if (!this.#source) return;
    if (this.#still !== null) this.show(frame);
    else this.#seek(this.#clamp(frame));
  }

  /** Plays at this rate (1 is the rate of the clip), from a frame or from where it stands. */
  play(rate: number, from: number | null = null): void {
    if (!this.#source) return;
    if (this.#video.readyState < HAVE_METADATA) this.#next ??= this.#still;
    this.#still = null;
    this.setRate(rate);
    if (from !== null) this.#seek(this.#clamp(from));
    if (!this.#video.paused) return;
    this.#run = [];
    void this.#video.play().catch((error: unknown) => {
      if ((error as DOMException).name !== 'NotAllowedError' || this.#video.muted) return;
      this.#video.muted = true;
      this.#events.onMuted?.();
      // The second refusal leaves it paused; whoever follows the room asks again.
      if (this.#still === null) void this.#video.play().catch(() => undefined);
    });
  }

  setRate(rate: number): void {
    const before = this.#video.playbackRate;
    if (before === rate) return;
    const changed = before / rate;
    // After a correction what was measured still counts, seen from here; after another speed it does not.
    if (Math.abs(changed - 1) > 0.11) this.#run = [];
    else this.#run = this.#run.map((shown) => bent(shown, changed, performance.now()));
    this.#video.preservesPitch = keepsPitch(rate);
    this.#video.playbackRate = rate;
  }

  /**
   * Where the picture stands at a moment of `performance.now()`, in frames and parts of one: as measured from what reached
   * the screen. Past its last frame it stands behind it. Null before there is anything to go by.
   */
  positionAt(at: number): number | null {
    const { rate } = this.#source ?? {};
    if (!rate || !this.#shown) return null;
    if (this.#still === null && this.#video.ended)
      return this.#source?.frames ?? this.#shown.frame + 1;
    if (!this.playing) return this.#shown.frame + 0.5;
    if (this.#run.length < LEAST_OF) return null;
    const perMs = ((rate.num / rate.den) * this.#video.playbackRate) / 1000;
    const positions = this.#run
      .map((shown) => shown.frame + (at - shown.at + HALF_REFRESH_MS) * perMs)
      .sort((a, b) => a - b);
    return positions[Math.floor(positions.length / 2)] ?? null;
  }

  destroy(): void {
    this.#video.cancelVideoFrameCallback(this.#callback);
    for (const [name, listener] of this.#listeners) this.#video.removeEventListener(name, listener);
    this.unload();
  }

  #clamp(frame: number): number {
    const last = this.#source?.frames ? this.#source.frames - 1 : Number.MAX_SAFE_INTEGER;
    return Math.min(last, Math.max(0, Math.floor(frame)));
  }

  #isShown(frame: number): boolean {
    return this.#shown?.frame === frame;
  }

  #seek(frame: number): void {
    if (!this.#source) return;
    // Before its metadata a video ignores seeks; while one is under way another would cut it short, and
    // somebody who drags would see nothing at all.
    if (this.#video.seeking || this.#video.readyState < HAVE_METADATA) {
      this.#next = frame;
      return;
    }
    this.#next = null;
    this.#run = [];
    this.#video.currentTime = frameCentre(frame, this.#source.rate);
  }

  #loaded(): void {
    const frame = this.#next ?? this.#still;
    this.#next = null;
    if (frame !== null) this.#seek(frame);
  }

  #seeked(): void {
    const frame = this.#next;
    this.#next = null;
    if (frame !== null) this.#seek(frame);
  }

  #watch(): void {
    this.#callback = this.#video.requestVideoFrameCallback((_, metadata) => {
      this.#watch();
      if (this.#source) this.#frame(this.#source, metadata);
    });
  }

  #frame(source: ClipSource, metadata: VideoFrameCallbackMetadata): void {
    this.#shown = {
      frame: frameAt(metadata.mediaTime, source.rate),
      mediaTime: metadata.mediaTime,
      at: metadata.expectedDisplayTime,
    };
    if (this.playing && !this.#video.seeking) {
      this.#run = [...this.#run, this.#shown].slice(-MEDIAN_OF);
    }
    this.#events.onFrame?.(this.#shown);
    this.#correctStill();
  }

  /** A paused picture is exact: what came up is compared with what was asked for. */
  #correctStill(): void {
    const still = this.#still;
    if (still === null || this.#isShown(still) || this.#next !== null) return;
    if (this.#video.seeking || this.#corrections >= MOST_CORRECTIONS) return;
    this.#corrections += 1;
    this.#seek(still);
  }

  #setBuffering(buffering: boolean): void {
    if (buffering === this.#buffering) return;
    this.#buffering = buffering;
    this.#events.onBuffering?.(buffering);
  }

  #failed(): void {
    // Taking the source away is reported as an error too.
    if (!this.#source) return;
    this.#events.onError?.(this.#video.error?.message || 'The clip cannot be loaded.');
  }
}
