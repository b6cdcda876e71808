import { ClipPlayer, type ClipPlayerEvents, type ClipSource, type VideoLike } from './clipPlayer';

export interface TwinPlayerEvents extends ClipPlayerEvents {
  /** The other of the two videos is the one to be seen and heard from now on. */
  onFront?: (index: 0 | 1) => void;
}

/**
 * A clip player that turns a loop back without a break: a `<video>` holds its picture for a moment when it jumps, so a
 * second one stands ready on the first frame of the loop, starts in time, and takes the first one's place at the turn.
 */
export class TwinPlayer {
  readonly #videos: readonly [VideoLike, VideoLike];
  readonly #players: readonly [ClipPlayer, ClipPlayer];
  readonly #events: TwinPlayerEvents;
  #front: 0 | 1 = 0;
  /** The frame on which the other video stands ready; null where none is wanted. */
  #ready: number | null = null;
  #turning = false;

  constructor(videos: readonly [VideoLike, VideoLike], events: TwinPlayerEvents = {}) {
    this.#videos = videos;
    this.#events = events;
    const player = (index: 0 | 1) =>
      new ClipPlayer(videos[index], {
        onFrame: (shown) => this.#of(index) && events.onFrame?.(shown),
        onMuted: () => this.#of(index) && events.onMuted?.(),
        onBuffering: (buffering) => this.#of(index) && events.onBuffering?.(buffering),
        onError: (message) => (this.#of(index) ? events.onError?.(message) : this.#forget()),
      });
    this.#players = [player(0), player(1)];
    videos[1].muted = true;
  }

  get source(): ClipSource | null {
    return this.#shownPlayer.source;
  }
  get shown() {
    return this.#shownPlayer.shown;
  }
  get buffering() {
    return this.#shownPlayer.buffering;
  }
  get busy() {
    return this.#shownPlayer.busy;
  }
  get playing() {
    return this.#shownPlayer.playing;
  }
  positionAt(at: number): number | null {
    return this.#shownPlayer.positionAt(at);
  }

  load(source: ClipSource, frame = 0): void {
    this.#forget();
    this.#spare.unload();
    this.#shownPlayer.load(source, frame);
  }

  unload(): void {
    this.#forget();
    this.#spare.unload();
    this.#shownPlayer.unload();
  }

  show(frame: number): void {
    this.cancelTurn();
    this.#shownPlayer.show(frame);
  }

  jump(frame: number): void {
    this.#shownPlayer.jump(frame);
  }

  play(rate: number, from: number | null = null): void {
    this.#shownPlayer.play(rate, from);
  }

  setRate(rate: number): void {
    this.#shownPlayer.setRate(rate);
  }

  /** Puts the other video on this frame, from where a loop goes on; null where there is no loop. True when it stands there. */
  prepareTurn(frame: number | null): boolean {
    if (this.#turning) return true;
    const { source } = this.#shownPlayer;
    if (frame === null || !source) {
      if (this.#ready !== null) this.#forget();
      return false;
    }
    if (this.#spare.source?.url !== source.url) {
      this.#spare.load(source, frame);
    } else if (this.#ready !== frame) {
      this.#spare.show(frame);
    }
    this.#ready = frame;
    return this.#spare.shown?.frame === frame && !this.#spare.busy;
  }

  /** Starts the other video, unseen; it takes a moment. */
  startTurn(rate: number): void {
    this.#turning = true;
    this.#spare.play(rate);
  }

  /** The other video is the one that is seen and heard from now on. */
  finishTurn(): void {
    if (!this.#turning) return;
    const [before, after] = [this.#front, this.#front === 0 ? 1 : 0] as const;
    const { muted } = this.#videos[before];
    this.#front = after;
    this.#videos[before].muted = true;
    this.#videos[after].muted = muted;
    this.#turning = false;
    const ready = this.#ready;
    this.#events.onFront?.(after);
    // The one that was seen gets ready for the next turn.
    if (ready !== null) this.#spare.show(ready);
  }

  /** The turn does not happen: the room does something else. */
  cancelTurn(): void {
    if (!this.#turning) return;
    this.#turning = false;
    if (this.#ready !== null) this.#spare.show(this.#ready);
  }

  destroy(): void {
    for (const player of this.#players) player.destroy();
  }

  get #shownPlayer(): ClipPlayer {
    return this.#players[this.#front];
  }

  get #spare(): ClipPlayer {
    return this.#players[this.#front === 0 ? 1 : 0];
  }

  #of(index: 0 | 1): boolean {
    return index === this.#front;
  }

  #forget(): void {
    this.#turning = false;
    this.#ready = null;
    this.#spare.unload();
  }
}
